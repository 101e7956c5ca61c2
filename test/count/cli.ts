/**
 * No count lost: two Node-RED instances with three flows each count messages on one key under leases of 1, 3 and 10 seconds. All connections are
 * cut again and again: twice a second those of the first one, which is killed on the way, and every four seconds those of the second one,
 * which is 200 ms away from the store. Prints what was seen; exit code 1 when a count was lost, or came from no message.
 *
 *   npm run count [-- MESSAGES]
 */
import { faultOf, runCount } from './run';

runCount({ messages: Number(process.argv[2] ?? 20_000), cutEvery: 500, roundTrip: 200 }).then((report) => {
  console.log(report);
  const fault = faultOf(report);
  if (fault) console.log(fault);
  process.exit(fault ? 1 : 0);
});
