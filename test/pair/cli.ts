/**
 * A highly available pair under faults and deploys. Prints the report; exit code 1 if flows differ at the end, or a write came out of order.
 *
 *   npm run pair [-- SECONDS [SEED]]
 */
import { faultOf, runPair } from './run';

const [seconds = '600', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
console.log(`seed ${seed}`);
runPair({ seconds: Number(seconds), deployEvery: 20, seed: Number(seed) }).then((report) => {
  console.log(report);
  const fault = faultOf(report);
  if (fault) console.log(fault);
  process.exit(fault ? 1 : 0);
});
