import assert from 'node:assert/strict';
import { type CountReport, faultOf, runCount } from './run';

const MESSAGES = 1000;

describe('Two Node-RED instances that count on one key', () => {
  it(`lose no count of three times ${MESSAGES} messages each, cut off and killed on the way`, async () => {
    const report = await runCount({ messages: MESSAGES, cutEvery: 500 });
    console.log(`        ${JSON.stringify(report)}`);
    assert.equal(faultOf(report), '');
    assert.ok(report.counted > MESSAGES && report.died > 0, JSON.stringify(report));
  });

  it('would be seen to lose one, or to count one twice', () => {
    const right: CountReport = {
      ...{ sent: 10, counted: 8, failed: { OUTCOME_UNKNOWN: 1 }, died: 1, final: 9, twice: [], alone: 1 },
      ...{ connections: 2, seconds: 1 },
    };
    assert.equal(faultOf(right), '');
    assert.match(faultOf({ ...right, final: 7, alone: 0 }), /not counted/);
    assert.match(faultOf({ ...right, final: 12, alone: 4 }), /without a message/);
    assert.match(faultOf({ ...right, twice: [3] }), /twice/);
  });
});
