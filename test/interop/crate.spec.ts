/** The tests that Microsoft's Rust crate has for a broker, run against the emulator. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/index';
import { skipWithout } from '../support/skips';
import { buildCrateTests, CRATE_TESTS, UNSTABLE_CRATE_TEST } from './cargo';

/** The tests of the crate know no other port. */
const PORT = 1883;
const PATIENCE_MS = 120_000;

describe('The tests of the Rust crate of Azure IoT Operations', () => {
  let programs: Record<string, string>;
  let emulator: Emulator | undefined;

  before(async function () {
    programs = await buildCrateTests(this);
    emulator = await Emulator.start({ port: PORT }).catch(() => undefined);
    if (!emulator)
      skipWithout(this, { why: `port ${PORT} is not free`, remedy: `stop the program at port ${PORT}` });
  });
  after(() => emulator?.close());

  for (const [name, count] of Object.entries(CRATE_TESTS)) {
    it(`${name}: all ${count} pass with the emulator`, async () => {
      const child = execFile(programs[name] as string, ['--test-threads=4', '--skip', UNSTABLE_CRATE_TEST], {
        env: { ...process.env, ENABLE_NETWORK_TESTS: '1' },
      });
      let output = '';
      child.stdout?.on('data', (text) => {
        output += text;
      });
      await once(child, 'close');
      assert.match(output, new RegExp(`test result: ok\\. ${count} passed; 0 failed`), output);
    }).timeout(PATIENCE_MS);
  }
});
