/**
 * Each order taken once: three Node-RED instances take orders from one list with an update node, and from a second list whose orders are kept
 * until they are finished. All connections are cut again and again, and instances are killed ten times. Prints the result. Exit code 1 if
 * an order was taken twice, is missing without a message of unknown outcome, or is missing from the second list at all.
 *
 *   npm run orders [-- ORDERS [SEED]]
 */
import { faultOf, runOrders } from './run';

const KILLS = 10;
const [orders = 10_000, seed = 1] = process.argv.slice(2).map(Number);

runOrders({ orders, seed, kills: KILLS }).then((report) => {
  console.log({ ...report, seed });
  const fault = faultOf(report);
  if (fault) console.log(fault);
  process.exit(fault ? 1 : 0);
});
