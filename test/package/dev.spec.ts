/** It builds, which nothing else may be tested beside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lines, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

describe('npm run dev (its script)', () => {
  it('starts Node-RED again when a file changes, and ends it with Ctrl-C', async () => {
    const userDir = mkdtempSync(join(tmpdir(), 'dev-'));
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'dev.mjs')], {
      env: {
        ...process.env,
        ...{ USER_DIR: userDir, PORT: String(await freePort()), EMULATOR_PORT: String(await freePort()) },
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines = new Lines(child);
    const closed = once(child, 'close');
    await lines.find(/^Successfully deleted key demo\/key/);
    const after = lines.all.length;
    const now = new Date();
    utimesSync(join(ROOT, 'browser', 'dialogs', 'index.ts'), now, now);
    await lines.find(/^browser.dialogs.index\.ts changed: Node-RED restarts$/, after);
    await lines.find(/^Successfully deleted key demo\/key/, after);
    child.kill('SIGINT');
    assert.deepEqual(await closed, [0, null]);
    rmSync(userDir, { recursive: true, force: true });
  });
});
