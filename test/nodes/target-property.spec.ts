import assert from 'node:assert/strict';
import { util } from '@node-red/util';
import type { NodeAPI, NodeMessageInFlow } from 'node-red';
import { TargetProperty } from '../../src/node-red/message/target-property';

const RED = { util } as unknown as NodeAPI;

/** What is written with a short cut is what Node-RED itself writes; where that is nothing, an error says so. */
describe('The property that receives a value', () => {
  const message = () =>
    ({ _msgid: '1', payload: { id: 7, list: [1, 2] }, topic: 'a' }) as unknown as NodeMessageInFlow;

  for (const name of [
    ...['payload', 'new', '$odd_1', 'toString', 'payload.id', 'payload.list[1]', 'payload.list[5]'],
    ...['a.b.c', 'topic.x', 'msg.payload', 'msg', 'payload["two words"]', '1', 'a b', 'a..b', ''],
  ]) {
    for (const value of ['text', { deep: true }, null, undefined]) {
      it(`${name} = ${JSON.stringify(value)}`, () => {
        const outcome = (write: (msg: NodeMessageInFlow) => unknown) => {
          const msg = message();
          try {
            write(msg);
            return msg;
          } catch (error) {
            return (error as Error).message;
          }
        };
        const target = new TargetProperty(RED, name, 'get');
        let written = true;
        const expected = outcome((msg) => {
          written = util.setMessageProperty(msg, name, value, value !== undefined);
        });
        const actual = outcome((msg) => target.write(msg, value));
        if (written || value === undefined) assert.deepEqual(actual, expected);
        else assert.match(String(actual), new RegExp(`cannot be written to msg\\.${name}:`));
      });
    }
  }

  it('of an update says that the update is complete, where it has no room for the result', () => {
    const target = new TargetProperty(RED, 'topic.x', 'update');
    assert.throws(() => target.write(message(), 1), {
      applied: 'unknown',
      operation: 'update',
      message: /^The update is complete, but the result cannot be written to msg\.topic\.x:/,
    });
  });
});
