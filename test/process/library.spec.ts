/** Runs the code of docs/library.md, as it stands there, and compares what it prints. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Emulator } from '../../src/emulator/index';
import { ROOT } from '../support/node-red';

const run = promisify(execFile);

describe('The code of docs/library.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'library.md'), 'utf8');
  const blocks = [...page.matchAll(/^## (.+)$|^```js\n([\s\S]*?)^```\n\n```text\n([\s\S]*?)^```/gm)];
  const examples: { title: string; code: string; output: string }[] = [];
  let title = '';
  for (const [, heading, code, output] of blocks) {
    if (heading) title = heading;
    else examples.push({ title, code: code as string, output: output as string });
  }
  /** Inside the package, so that it can import itself by its name. */
  const directory = join(ROOT, 'dist', 'test', 'library');
  let emulator: Emulator;

  before(async () => {
    mkdirSync(directory, { recursive: true });
    emulator = await Emulator.start({ port: 0 });
  });
  after(async () => {
    await emulator.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('has all its examples here', () => {
    assert.equal(examples.length, page.match(/^```js$/gm)?.length);
    assert.ok(examples.length >= 6);
  });

  for (const [index, { title: name, code, output }] of examples.entries()) {
    it(`${name} (${index + 1}): prints what the page says`, async () => {
      const file = join(directory, `example-${index}.mjs`);
      const port = String(emulator.port);
      writeFileSync(
        file,
        code
          .replace('port: 1883', `port: ${port}`)
          .replace('StateStoreClient()', `StateStoreClient({ port: ${port} })`),
      );
      const { stdout, stderr } = await run(process.execPath, [file]);
      assert.equal(stderr, '');
      assert.equal(stdout, output);
    });
  }

  it('works in CommonJS, too', async () => {
    const file = join(directory, 'example.cjs');
    writeFileSync(
      file,
      "const { StateStoreClient } = require('@edgestate/node-red-statestore'); console.log(typeof StateStoreClient);",
    );
    assert.equal((await run(process.execPath, [file])).stdout, 'function\n');
  });
});

describe('A program that closes its client', () => {
  for (const [name, port] of [
    ['while nothing listens', 1],
    ['at once', 0],
  ] as const) {
    it(`${name}: ends, because nothing is left behind`, async () => {
      const emulator = await Emulator.start({ port: 0 });
      const client = `new StateStoreClient({ port: ${port || emulator.port} })`;
      const code = `const { StateStoreClient } = require('${join(ROOT, 'dist', 'src', 'index.js')}');
        const store = ${client};
        store.set('k', 'v').catch(() => undefined);
        setImmediate(() => store.close());`;
      await run(process.execPath, ['-e', code], { timeout: 5000 });
      await emulator.close();
    });
  }
});
