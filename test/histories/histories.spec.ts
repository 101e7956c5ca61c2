import assert from 'node:assert/strict';
import { REPEATS } from '../support/emulator-process';
import { isGood, report, runHistory } from './run';

const SECONDS = 60;

describe('Histories under faults are linearizable, and no write takes effect twice', () => {
  for (const repeats of REPEATS) {
    it(`with a store in which repeats are ${repeats}`, async () => {
      const seed = 1 + Math.floor(Math.random() * 1_000_000);
      const options = { seed, seconds: SECONDS / REPEATS.length, repeats };
      const result = await runHistory(options);
      const text = report(options, result);
      console.log(text.replace(/^/gm, '        '));
      assert.ok(
        isGood(result),
        `npm run histories -- --seed ${seed} --seconds ${options.seconds} --repeats ${repeats}\n${text}`,
      );
    });
  }
});
