import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lines, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

describe('npm start (its script)', function () {
  this.timeout(60_000);
  let userDir: string;
  before(() => {
    userDir = mkdtempSync(join(tmpdir(), 'start-'));
  });
  after(() => rmSync(userDir, { recursive: true, force: true }));

  const start = (env: Record<string, string>) => {
    const child = spawn(process.execPath, [join(ROOT, 'scripts', 'start.mjs')], {
      env: { ...process.env, USER_DIR: userDir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, lines: new Lines(child), exited: once(child, 'exit') };
  };

  it('prints the three lines, serves the editor, and ends with code 0 on Ctrl-C', async () => {
    const port = await freePort();
    const { child, lines, exited } = start({ PORT: String(port), EMULATOR_PORT: String(await freePort()) });
    await lines.find(/^Successfully set key someKey with value someValue$/);
    await lines.find(/^Current value of key someKey in the state store is someValue$/);
    await lines.find(/^Successfully deleted key someKey from the state store$/);
    const editor = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(editor.status, 200);
    assert.match(await editor.text(), /<title>Node-RED<\/title>/);
    child.kill('SIGINT');
    assert.deepEqual(await exited, [0, null]);
    assert.deepEqual(
      lines.all.filter((line) => /error|warn/i.test(line)),
      [],
    );
  });

  for (const name of ['PORT', 'EMULATOR_PORT']) {
    it(`says plainly that ${name} is taken`, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const other = name === 'PORT' ? 'EMULATOR_PORT' : 'PORT';
      const { lines, exited } = start({ [name]: String(port), [other]: String(await freePort()) });
      assert.deepEqual(await exited, [1, null]);
      assert.equal(lines.all.length, 1);
      assert.match(
        lines.all[0] as string,
        new RegExp(
          `^Port ${port} .* is taken by another program\\. Choose another one: ${name}=${port + 1} npm start$`,
        ),
      );
      server.close();
      await once(server, 'close');
    });
  }
});
