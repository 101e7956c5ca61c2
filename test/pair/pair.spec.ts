import assert from 'node:assert/strict';
import { faultOf, type PairReport, runPair } from './run';

describe('A highly available pair', () => {
  it('runs the same flows and acts in order for a minute of deploys, kills, cuts and broker restarts', async () => {
    const report = await runPair({ seconds: 60, deployEvery: 5, seed: Date.now() % 1_000_000 });
    console.log(`        ${JSON.stringify(report)}`);
    assert.equal(faultOf(report), '');
  });

  it('would be seen to differ, or to act out of order', () => {
    const right: PairReport = {
      ...{ deploys: { succeeded: 3, refused: {} }, faults: {}, acts: 10, outOfOrder: 0, longestGap: 0 },
      ...{ difference: '', converged: 5 },
    };
    assert.equal(faultOf(right), '');
    assert.match(faultOf({ ...right, difference: 'flows: a and b' }), /differ/);
    assert.match(faultOf({ ...right, outOfOrder: 1 }), /out of the order/);
    assert.match(faultOf({ ...right, acts: 0 }), /nobody acted/);
  });
});
