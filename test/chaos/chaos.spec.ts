import assert from 'node:assert/strict';
import { overlapOf, runChaos } from './run';

const SECONDS = 60;

describe('Never two active candidates', () => {
  it(`in ${SECONDS} seconds of cuts, freezes and kills; the command restarts the broker as well`, async function () {
    this.timeout(SECONDS * 5000);
    const seed = Date.now() % 2 ** 31;
    const report = await runChaos({ seconds: SECONDS, restarts: false, seed });
    console.log(
      `        seed ${seed}: ${report.acts} acts, ${report.changes} changes of the role, ${report.writes} writes`,
    );
    console.log(`        ${JSON.stringify(report.faults)}`);
    assert.deepEqual([report.overlaps, report.disorder], [[], []], `seed ${seed}`);
    assert.ok(report.changes > 0 && report.writes > 0, 'the role changes hands');
  });

  it('would be seen', () => {
    const reign = (name: string, begin: bigint, end: bigint) => ({ name, lease: 1000, begin, end });
    const reigns = [
      reign('a', 0n, 5_000_000n),
      reign('b', 4_000_000n, 9_000_000n),
      reign('a', 10_000_000n, 11_000_000n),
    ];
    assert.equal(overlapOf(reigns).overlap, 1);
    assert.deepEqual(overlapOf([reigns[0], reigns[2]] as typeof reigns).overlaps, []);
  });
});
