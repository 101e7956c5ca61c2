import assert from 'node:assert/strict';
import { type CountReport, compareCounts, faultOf, runCount } from './run';

const MESSAGES = 300;

describe('Two Node-RED instances that count on one key', () => {
  it(`lose no count of three times ${MESSAGES} messages each, with cuts, a kill, restarts, blocks and bursts`, async () => {
    const seed = Date.now() % 2 ** 31;
    const report = await runCount({ messages: MESSAGES, cutEvery: 1000, faultEvery: 1500, seed });
    console.log(`        ${JSON.stringify(report)}`);
    assert.equal(faultOf(report), '', `seed ${seed}`);
    assert.ok(report.counted > MESSAGES && report.died > 0, JSON.stringify(report));
  });

  it('would be seen to lose one, or to count one twice', () => {
    const right: CountReport = {
      ...{ sent: 10, counted: 8, failed: { OUTCOME_UNKNOWN: 1 }, died: 1, final: 9, twice: [], alone: 1 },
      ...{ beyond: 0, faults: {}, connections: 2, seconds: 1 },
    };
    assert.equal(faultOf(right), '');
    assert.match(faultOf({ ...right, beyond: 1 }), /not counted/);
    assert.match(faultOf({ ...right, alone: 4 }), /without a message/);
    assert.match(faultOf({ ...right, twice: [3] }), /twice/);
  });

  it('are compared with the store as far as it kept its memory', () => {
    const counts = (...pairs: [number, number][]) => pairs.map(([value, at]) => ({ value, at }));
    const nothing = { twice: [], alone: 0, beyond: 0 };
    assert.deepEqual(compareCounts(counts([1, 1], [2, 2]), [], 2), nothing);
    assert.deepEqual(compareCounts(counts([2, 2]), [], 2), { ...nothing, alone: 1 });
    assert.deepEqual(compareCounts(counts([1, 1], [2, 2]), [], 1), { ...nothing, beyond: 1 });
    assert.deepEqual(compareCounts(counts([1, 1], [1, 2]), [], 1), { ...nothing, twice: [1] });
    assert.deepEqual(compareCounts(counts([1, 1], [2, 2], [1, 11], [2, 12]), [10], 2), nothing);
    assert.deepEqual(compareCounts(counts([1, 1], [3, 2], [3, 11], [5, 12]), [10], 5), {
      ...nothing,
      alone: 2,
    });
  });
});
