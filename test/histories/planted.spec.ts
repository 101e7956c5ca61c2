import assert from 'node:assert/strict';
import { report, runHistory } from './run';

describe('A history with a fault between client and store', () => {
  const seed = 1 + Math.floor(Math.random() * 1_000_000);
  const base = { seed, seconds: 5, repeats: 'executed' } as const;

  for (const plant of ['twice', 'false answer'] as const) {
    it(`is found to be illegal: ${plant}`, async () => {
      const result = await runHistory({ ...base, plant });
      console.log(report(base, result, 0).replace(/^/gm, '        '));
      assert.ok(result.illegal.length > 0);
      assert.deepEqual(result.breaches, []);
    });
  }
});
