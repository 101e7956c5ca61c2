import assert from 'node:assert/strict';
import { util } from '@node-red/util';
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import { TypedProperty } from '../../src/node-red/message/typed-property';
import { Flow } from '../support/flow';

/** What is read for a message with a short cut is what Node-RED itself reads. */
describe('A typed input', () => {
  const message = {
    _msgid: '1',
    payload: { id: 7, list: [1, { a: 'x' }], empty: null, 'two words': 2, text: 'abc' },
    topic: 'a/b',
    msg: { payload: 'inner' },
    zero: 0,
    $odd_1: true,
  } as unknown as NodeMessageInFlow;
  const evaluate = (value: string, type: string, node: Node) => {
    try {
      return util.evaluateNodeProperty(value, type, node, message);
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    }
  };

  for (const [type, value] of [
    ...['payload', 'payload.id', 'payload.list', 'payload.list[1].a', 'payload.empty', 'payload.empty.x'],
    ...['payload["two words"]', 'payload.text.length', 'topic', 'topic.missing', 'missing', 'missing.a.b'],
    ...[
      'msg',
      'msg.payload',
      'msg.payload.id',
      'zero',
      'zero.x',
      '$odd_1',
      'toString',
      '__proto__',
      'constructor.name',
    ],
  ]
    .map((path) => ['msg', path])
    .concat([
      ...[
        ['num', '5'],
        ['num', '-2.5e3'],
        ['num', '0x10'],
        ['num', ' 7 '],
        ['str', ''],
        ['str', '5'],
        ['str', '{{topic}}'],
      ],
      ...[
        ['bool', 'true'],
        ['bool', 'false'],
        ['json', '{"a":[1]}'],
        ['bin', '[1,2]'],
      ],
    ]) as [string, string][]) {
    it(`${type} ${JSON.stringify(value)} is what Node-RED makes of it`, async () => {
      const flow = await Flow.start(0, { type: 'statestore-set', key: 'k' });
      const property = new TypedProperty({ util } as unknown as NodeAPI, flow.node, 'value', { value, type });
      assert.deepEqual(property.read(message), evaluate(value, type, flow.node));
      await flow.stop();
    });
  }
});
