/**
 * No count lost: two Node-REDs with three flows each count messages on one key, with all connections cut twice a second and one of
 * them killed on the way. Prints what was seen; exit code 1 when a count was lost, or came from no message.
 *
 *   npm run count [-- MESSAGES]
 */
import { faultOf, runCount } from './run';

runCount({ messages: Number(process.argv[2] ?? 20_000), cutEvery: 500 }).then((report) => {
  console.log(report);
  const fault = faultOf(report);
  if (fault) console.log(fault);
  process.exit(fault ? 1 : 0);
});
