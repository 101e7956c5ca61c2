import assert from 'node:assert/strict';
import { faultOf, runChaos } from './run';

const SECONDS = 60;

describe('Never two active candidates', () => {
  it(`in ${SECONDS} seconds of cuts, freezes, blocks, bursts, kills and restarts of the broker`, async function () {
    this.timeout(SECONDS * 5000);
    const seed = Date.now() % 2 ** 31;
    const report = await runChaos({ seconds: SECONDS, seed });
    const { acts, changes, writes, updates, faults, overlaps } = report;
    console.log(
      `        seed ${seed}: ${acts} acts, ${changes} changes of the role, ${writes} writes, ${updates} updates`,
    );
    console.log(`        ${JSON.stringify(faults)}`);
    // On a busy machine, a takeover may last longer: only the command looks at that.
    const fault = faultOf({ ...report, longestExcess: 0 });
    assert.equal(fault, '', `seed ${seed}\n${overlaps.join('\n')}`);
  });
});
