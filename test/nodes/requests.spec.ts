import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { handle } from '../support/flow';
import { failed, sent, useFlow } from '../support/flow-suite';

const CYCLIC: Record<string, unknown> = {};
CYCLIC.itself = CYCLIC;

describe('The nodes set, get and delete', () => {
  const suite = useFlow({ maximumPacketSize: 100_000 });

  describe('fencing tokens', () => {
    it('may be left blank in the node', async () => {
      await suite.start({ type: 'statestore-set', key: 'unfenced', fencingToken: '' });
      sent(await suite.flow.send({ payload: 'a', fencingToken: 'ignored' }));
      await suite.flow.stop();
      await suite.start({ type: 'statestore-delete', key: 'unfenced', fencingToken: '' });
      sent(await suite.flow.send({ payload: 'a' }));
    });

    it('come from the message when it has one', async () => {
      const { version } = await suite.store.set('lock', 'me');
      await suite.start({ type: 'statestore-set', key: 'fenced' });
      sent(await suite.flow.send({ payload: 'a', fencingToken: version }));
      const { code, message } = failed(await suite.flow.send({ payload: 'b' }));
      assert.equal(code, 'FENCING_TOKEN_REQUIRED');
      assert.match(
        message,
        /^Use an update node with the action "set to a value \(reset\)" for key fenced\. The key is protected.*msg\.fencingToken/,
      );
      sent(await suite.flow.send({ payload: 'c', fencingToken: version }));
      assert.equal(await suite.stored('fenced'), 'c');
    });
  });

  for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
    it(`fail a message that cannot be extended once (${type})`, async () => {
      await suite.start({ type, key: 'sealed', value: 'v', valueType: 'str' });
      const outcome = await new Promise((resolve) => {
        const msg = Object.preventExtensions({ _msgid: randomUUID() });
        handle(suite.flow.node, msg, () => resolve('sent'), resolve);
      });
      assert.equal((outcome as { code?: string }).code, 'UNKNOWN');
    });
  }

  for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
    it(`fail a message that cannot be sent once (${type})`, async () => {
      await suite.start({ type, key: 'unsendable', value: 'v', valueType: 'str' });
      const outcomes: unknown[] = [];
      await new Promise<void>((resolve) => {
        const unsendable = () => {
          throw new Error('cannot be cloned');
        };
        handle(suite.flow.node, { _msgid: randomUUID() }, unsendable, (error) => {
          outcomes.push(error?.message);
          resolve();
        });
      });
      assert.deepEqual(outcomes, ['cannot be cloned']);
    });
  }

  describe('given bad input', () => {
    const good = { payload: 'fine', topic: 'good', expiry: 1000, index: 0 };
    for (const [name, definition, msg, code, message] of [
      [
        'no key',
        { type: 'statestore-set', key: 'topic', keyType: 'msg' },
        { payload: 1, topic: undefined },
        'BAD_ARGUMENT',
        /^msg\.topic is undefined, but the key to set must be text, a number or a buffer/,
      ],
      [
        'one property that comes too late to fail, after another failed',
        {
          ...{ type: 'statestore-set', key: '"m/" & $uppercase(topic)', keyType: 'jsonata' },
          ...{ value: 'payload[msg.index]', valueType: 'msg' },
        },
        { payload: [], topic: 5 },
        'BAD_ARGUMENT',
        /^The value "payload\[msg\.index\]" of this node could not be evaluated/,
      ],
      [
        'an expiry that cannot even be printed',
        { type: 'statestore-set', key: 'k', expiry: 'expiry', expiryType: 'msg' },
        { payload: 1, expiry: CYCLIC },
        'BAD_ARGUMENT',
        /^msg\.expiry is of type object, but the expiry must be a positive number/,
      ],
      [
        'a timeout that cannot even be printed',
        { type: 'statestore-get', key: 'k' },
        { timeout: 10n },
        'BAD_ARGUMENT',
        /^msg\.timeout is of type bigint, but must be a whole number of milliseconds/,
      ],
      [
        'no key below a missing property',
        { type: 'statestore-get', key: 'a.b.c', keyType: 'msg' },
        {},
        'BAD_ARGUMENT',
        /^msg\.a\.b\.c is undefined/,
      ],
      [
        'an empty key',
        { type: 'statestore-delete', key: 'topic', keyType: 'msg' },
        { topic: '' },
        'BAD_ARGUMENT',
        /^msg\.topic is empty/,
      ],
      [
        'an empty key in the node',
        { type: 'statestore-get', key: '' },
        {},
        'BAD_ARGUMENT',
        /^the key is empty.*Fill in the key of this node/,
      ],
      [
        'a key that is an object',
        { type: 'statestore-set', key: 'topic', keyType: 'msg' },
        { payload: 1, topic: {} },
        'BAD_ARGUMENT',
        /^msg\.topic is of type object/,
      ],
      [
        'an empty key in a list',
        { type: 'statestore-get', key: 'topic', keyType: 'msg' },
        { topic: ['a', ''] },
        'BAD_ARGUMENT',
        /^msg\.topic\[1\] is empty/,
      ],
      [
        'an undefined value',
        { type: 'statestore-set', key: 'k' },
        { payload: undefined },
        'BAD_ARGUMENT',
        /^msg\.payload is undefined, which cannot be stored under key k\. Set it to/,
      ],
      [
        'a function as value',
        { type: 'statestore-set', key: 'k' },
        { payload: () => 1 },
        'BAD_ARGUMENT',
        /^msg\.payload is function/,
      ],
      [
        'NaN as value',
        { type: 'statestore-set', key: 'k' },
        { payload: Number.NaN },
        'BAD_ARGUMENT',
        /^msg\.payload is NaN/,
      ],
      [
        'a big integer as value',
        { type: 'statestore-set', key: 'k' },
        { payload: 1n },
        'BAD_ARGUMENT',
        /^msg\.payload cannot be converted to JSON/,
      ],
      [
        'no object of keys',
        { type: 'statestore-set', key: '', keyType: 'each' },
        { payload: [1] },
        'BAD_ARGUMENT',
        /^msg\.payload must be an object of keys and values/,
      ],
      [
        'an expiry of 0',
        { type: 'statestore-set', key: 'k', expiry: 'expiry', expiryType: 'msg' },
        { payload: 1, expiry: 0 },
        'BAD_ARGUMENT',
        /^msg\.expiry is 0, but the expiry must be a positive number of ms/,
      ],
      [
        'an expiry of -1',
        { type: 'statestore-set', key: 'k', expiry: 'expiry', expiryType: 'msg' },
        { payload: 1, expiry: -1 },
        'BAD_ARGUMENT',
        /^msg\.expiry is -1/,
      ],
      [
        'an expiry of 1.5',
        { type: 'statestore-set', key: 'k', expiry: 'expiry', expiryType: 'msg' },
        { payload: 1, expiry: 1.5 },
        'BAD_ARGUMENT',
        /^msg\.expiry is 1\.5/,
      ],
      [
        'an expiry of "abc"',
        { type: 'statestore-set', key: 'k', expiry: 'expiry', expiryType: 'msg' },
        { payload: 1, expiry: 'abc' },
        'BAD_ARGUMENT',
        /^msg\.expiry is "abc"/,
      ],
      [
        'a value over the Maximum Packet Size',
        { type: 'statestore-set', key: 'k' },
        { payload: Buffer.alloc(100_000) },
        'BAD_ARGUMENT',
        /^The request has 100\d\d\d bytes, but the broker accepts at most 100000: key k was not set\./,
      ],
      [
        'a malformed fencing token',
        { type: 'statestore-set', key: 'k' },
        { payload: 1, fencingToken: 'abc' },
        'BAD_ARGUMENT',
        /^msg\.fencingToken is "abc", but must be a version that the store returned/,
      ],
      [
        'a fencing token that is a number',
        { type: 'statestore-delete', key: 'k' },
        { fencingToken: 5 },
        'BAD_ARGUMENT',
        /^msg\.fencingToken is 5, but must be a version/,
      ],
      [
        'a bad JSONata expression',
        { type: 'statestore-set', key: '"a" & (', keyType: 'jsonata' },
        { payload: 1 },
        'BAD_ARGUMENT',
        /^The key ""a" & \(" of this node could not be evaluated/,
      ],
      [
        'bad JSON in the node',
        { type: 'statestore-set', key: 'k', value: '{', valueType: 'json' },
        {},
        'BAD_ARGUMENT',
        /^The value "{" of this node could not be evaluated/,
      ],
      [
        'JSONata that fails',
        { type: 'statestore-set', key: '$number(topic)', keyType: 'jsonata' },
        { payload: 1, topic: 'x' },
        'BAD_ARGUMENT',
        /could not be evaluated/,
      ],
    ] as const) {
      it(`${name}: one clear error, and the next message goes through`, async () => {
        await suite.start({ ...definition });
        const outcome = failed(await suite.flow.send({ ...msg }));
        assert.equal(outcome.code, code);
        assert.match(outcome.message, message);
        assert.equal((outcome.msg.statestore as { error: string }).error, code);
        const status = await suite.flow.status(`status.error.${code}`);
        assert.equal((status as { fill: string }).fill, 'red');
        const fixable = ![
          'an empty key in the node',
          'a bad JSONata expression',
          'bad JSON in the node',
        ].includes(name);
        if (fixable) {
          const each = 'keyType' in definition && definition.keyType === 'each';
          const repaired = {
            ...good,
            a: { b: { c: 'key' } },
            ...(each && { payload: { k: 1 } }),
            ...(name === 'JSONata that fails' && { topic: '7' }),
          };
          sent(await suite.flow.send(repaired));
          assert.equal(((await suite.flow.status('status.connected')) as { fill: string }).fill, 'green');
        }
        assert.equal((await suite.store.set('still', 'usable')).stored, true);
      });
    }
  });
});
