/**
 * Each order taken once: three Node-REDs take orders from one list with an update node. All connections are cut again and again, and one
 * of the Node-REDs is killed ten times. Prints what was seen. Exit code 1 if an order was taken twice, or is missing without a
 * message of unknown outcome.
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
