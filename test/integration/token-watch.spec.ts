/** A service account token that changes on disk. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenWatch } from '../../src/mqtt/token-watch';

describe('The watch of a token', () => {
  let directory: string;
  let watch: TokenWatch;
  const seen: string[] = [];
  let onSeen: () => void;

  /** Begins to watch this path. `used` is the token of the last login. */
  const start = (path: string, used: string) => {
    watch = new TokenWatch(path, (token) => {
      seen.push(String(token));
      onSeen();
    });
    watch.know(Buffer.from(used));
  };
  const next = () =>
    new Promise<void>((resolve) => {
      onSeen = resolve;
    });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'token-'));
    seen.length = 0;
    onSeen = () => undefined;
  });
  afterEach(() => {
    watch.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('sees a new token though another file of the folder changes all the time', async () => {
    const path = join(directory, 'token');
    writeFileSync(path, 'old');
    start(path, 'old');
    const noise = setInterval(() => writeFileSync(join(directory, 'other'), String(Math.random())), 10);
    const changed = next();
    writeFileSync(path, 'new');
    await changed;
    clearInterval(noise);
    assert.deepEqual(seen, ['new']);
  });

  it('sees a token in a folder that appears after it began, and the next one', async () => {
    const folder = join(directory, 'mounted', 'later');
    start(join(folder, 'token'), 'old');
    await assert.rejects(stat(folder));
    const first = next();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'token'), 'one');
    await first;
    const second = next();
    writeFileSync(join(folder, 'token'), 'two');
    await second;
    assert.deepEqual(seen, ['one', 'two']);
  });

  it('sees a token in a folder that replaces the watched one', async () => {
    const folder = join(directory, 'tokens');
    mkdirSync(folder);
    writeFileSync(join(folder, 'token'), 'old');
    start(join(folder, 'token'), 'old');
    const changed = next();
    renameSync(folder, join(directory, 'former'));
    mkdirSync(folder);
    writeFileSync(join(folder, 'token'), 'new');
    await changed;
    assert.deepEqual(seen, ['new']);
  });

  it('says nothing of a token that is in use, of an empty file and after its end', async () => {
    const path = join(directory, 'token');
    writeFileSync(path, 'old');
    start(path, 'old');
    const other = join(directory, 'other');
    // A second watch, begun later, sees the last change after the first one has seen it.
    const settled = new Promise<void>((resolve) => {
      const witness = new TokenWatch(other, () => {
        witness.stop();
        resolve();
      });
    });
    writeFileSync(path, '');
    writeFileSync(path, 'old');
    writeFileSync(other, 'x');
    await settled;
    watch.stop();
    writeFileSync(path, 'new');
    assert.deepEqual(seen, []);
  });
});
