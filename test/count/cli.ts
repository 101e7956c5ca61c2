/**
 * No count lost: two Node-RED instances with three flows each count messages on one key under leases of 1, 3 and 10 seconds. All connections are
 * cut again and again: twice a second those of the first one, which is killed on the way, and every four seconds those of the second one,
 * which is 200 ms away from the store. Every three seconds the broker restarts, with or without its memory, or a Node-RED has its event
 * loop blocked or sets 10,000 keys at once. Prints what was seen; exit code 1 when a count was lost, or came from no message.
 *
 *   npm run count [-- MESSAGES [SEED]]
 */
import { faultOf, runCount } from './run';

const messages = Number(process.argv[2] ?? 20_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);

console.log(`seed ${seed}, ${messages} messages of each flow`);
runCount({ messages, cutEvery: 500, faultEvery: 3000, roundTrip: 200, seed }).then((report) => {
  console.log(report);
  const fault = faultOf(report);
  if (fault) console.log(fault);
  process.exit(fault ? 1 : 0);
});
