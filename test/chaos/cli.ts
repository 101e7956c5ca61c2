/**
 * Never two: candidates for one role under faults. Prints what was seen. Exit code 1 if two candidates were active at a time, a write came
 * through out of the order of its token, an update is lost or was applied twice, or no candidate was active for too long.
 *
 *   npm run chaos [-- SECONDS [SEED]]
 */
import { faultOf, runChaos } from './run';

const seconds = Number(process.argv[2] ?? 600);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);

console.log(`seed ${seed}, ${seconds} s`);
runChaos({ seconds, seed }).then(
  ({ overlaps, excess, ...report }) => {
    console.log({ ...report, overlaps: overlaps.length });
    for (const overlap of overlaps) console.log(overlap);
    if (excess) console.log(`longest time without an active candidate:\n${excess}`);
    const fault = faultOf({ overlaps, excess, ...report });
    if (fault) console.log(fault);
    process.exit(fault ? 1 : 0);
  },
  (error) => {
    console.error(`seed ${seed}: ${error.stack}`);
    process.exit(1);
  },
);
