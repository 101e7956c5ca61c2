/**
 * Never two: candidates for one role under faults. Prints what was seen; exit code 1 when two were active at a time, or a write came
 * through out of the order of its token.
 *
 *   npm run chaos [-- SECONDS [SEED]]
 */
import { runChaos } from './run';

const seconds = Number(process.argv[2] ?? 600);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);

runChaos({ seconds, restarts: true, seed }).then(
  (report) => {
    console.log(`seed ${seed}, ${seconds} s`);
    console.log(report);
    const right = report.overlaps.length === 0 && report.disorder.length === 0 && report.changes > 0;
    process.exit(right ? 0 : 1);
  },
  (error) => {
    console.error(`seed ${seed}: ${error.stack}`);
    process.exit(1);
  },
);
