/**
 * Each order taken once: three Node-RED instances take orders from one list with an update node. Another flow processes the orders of a second list
 * before it removes them. All connections are cut again and again, and instances are killed ten times. Prints the result. Exit code 1 if
 * an order was taken twice, or is missing without a message of unknown outcome, or if an order of the second list was not processed.
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
