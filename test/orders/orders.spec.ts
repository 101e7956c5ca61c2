import assert from 'node:assert/strict';
import { faultOf, type OrdersReport, runOrders } from './run';

const ORDERS = 300;

describe('Three Node-RED instances that take orders from one list', () => {
  it(`take each of ${ORDERS} orders once and lose none, cut off and killed on the way`, async () => {
    const report = await runOrders({ orders: ORDERS, kills: 1, seed: 7 });
    console.log(`        ${JSON.stringify(report)}`);
    assert.equal(faultOf(report), '');
  });

  it('would be seen to take one twice, to lose one, and to take a later one first', () => {
    const right: OrdersReport = {
      ...{ orders: 3, taken: [1, 1], twice: [], missing: [3], outOfOrder: 0, died: 1, failed: {} },
      ...{ kills: 1, connections: 4, seconds: 1 },
      kept: { orders: 3, taken: [2, 1], twice: [], missing: [], resumed: 1, again: [], failed: {} },
    };
    assert.equal(faultOf(right), '');
    assert.match(faultOf({ ...right, twice: [2] }), /taken twice/);
    assert.match(faultOf({ ...right, died: 0 }), /1 orders are missing, but only 0 messages/);
    assert.match(faultOf({ ...right, outOfOrder: 1 }), /before an earlier one/);
    const { kept } = right;
    assert.match(faultOf({ ...right, kept: { ...kept, missing: [1] } }), /finished are missing: 1/);
    assert.match(faultOf({ ...right, kept: { ...kept, twice: [2] } }), /Two instances got the orders 2/);
    assert.match(faultOf({ ...right, kept: { ...kept, again: [3] } }), /again without a kill: 3/);
  });
});
