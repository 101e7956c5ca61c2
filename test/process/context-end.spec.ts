/** A program that closes its context store ends, because nothing is left behind. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Emulator } from '../../src/emulator/index';
import { until } from '../support/context';
import { ROOT } from '../support/node-red';

const run = promisify(execFile);

describe('A program that closes its context store', () => {
  let emulator: Emulator;
  before(async () => {
    emulator = await Emulator.start({ port: 0 });
  });
  after(() => emulator.close());

  for (const [name, config, work] of [
    ['with what it set', '', "store.set('global', 'x', 1); await store.close();"],
    ['without the cache', ', cache: false', "store.set('global', 'x', 1); await store.close();"],
    ['at once', '', 'await store.close();'],
    ['after what it deleted', '', "store.set('global', 'x', undefined); await store.close();"],
  ] as const) {
    it(`${name}: ends without a signal, and its connection is gone`, async () => {
      const code = `const contextStore = require('${join(ROOT, 'dist', 'src', 'context')}');
        const store = contextStore({ host: '127.0.0.1', port: ${emulator.port}${config} });
        store.open().then(async () => { ${work} process.stdout.write('closed'); });`;
      const { stdout, stderr } = await run(process.execPath, ['-e', code]);
      assert.deepEqual([stdout, stderr], ['closed', '']);
      await until(() => emulator.clients === 0);
    });
  }
});
