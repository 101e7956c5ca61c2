import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Lock, update } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { putRecord } from '../../src/reference-data/edit';
import { parseRecords } from '../../src/reference-data/records';
import { FaultProxy } from '../support/fault-proxy';
import { type Definition, Flow, type Outcome } from '../support/flow';
import { failed, sent } from '../support/flow-suite';
import { ROOT } from '../support/node-red';

type Result = { updated: boolean; before?: unknown; version?: string };

describe('The node update', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  let flow: Flow;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });
  afterEach('each message has had exactly one outcome', async () => {
    const { outcomes } = flow;
    await flow.stop();
    const ids = outcomes.map(({ msg }) => msg._msgid);
    assert.equal(new Set(ids).size, ids.length);
  });

  /** A node for a key that no other test has. */
  let key: string;
  const start = async (definition: Partial<Definition> = {}, present?: string | Uint8Array) => {
    key = `k/${randomUUID()}`;
    if (present !== undefined) await store.set(key, present);
    flow = await Flow.start(emulator.port, { type: 'statestore-update', key, ...definition });
  };
  const stored = async (): Promise<string | undefined> => {
    const got = await store.get(key);
    return got.found ? got.value.toString() : undefined;
  };
  const resultOf = (outcome: Outcome) => sent(outcome).msg.statestore as Result;

  describe('adds', () => {
    it('1 to the current value, or to 0, and reports the previous value', async () => {
      await start();
      const first = sent(await flow.send({ payload: 'a piece', topic: 't' }));
      const { _msgid, statestore, ...rest } = first.msg;
      assert.deepEqual(rest, { payload: 1, topic: 't' });
      const got = await store.get(key);
      assert.deepEqual(statestore, {
        ...{ operation: 'update', key, updated: true },
        version: got.found && got.version,
      });
      const second = sent(await flow.send());
      assert.deepEqual([second.msg.payload, (second.msg.statestore as Result).before], [2, 1]);
      assert.equal(await stored(), '2');
    });

    for (const [name, definition, msg, expected] of [
      ['a negative number', { amount: '-2.5' }, {}, 7.5],
      ['a number of the message', { amount: 'payload', amountType: 'msg' }, { payload: 5 }, 15],
      ['text that is a number', { amount: 'payload', amountType: 'msg' }, { payload: ' 5 ' }, 15],
      ['the result of an expression', { amount: 'payload * 2', amountType: 'jsonata' }, { payload: 4 }, 18],
    ] as const) {
      it(name, async () => {
        await start(definition, '10');
        assert.equal(sent(await flow.send(msg)).msg.payload, expected);
        assert.equal(await stored(), String(expected));
      });
    }

    it('to what a set node has stored, and then its set node is refused', async () => {
      await start({}, '41');
      assert.equal(sent(await flow.send()).msg.payload, 42);
      await assert.rejects(store.set(key, '0'), { code: 'FENCING_TOKEN_REQUIRED' });
    });

    it('from a start value where the key is missing', async () => {
      await start({ start: '100' });
      assert.equal(sent(await flow.send()).msg.payload, 101);
      assert.equal(sent(await flow.send()).msg.payload, 102);
    });

    it('and puts the new value where it was asked for', async () => {
      await start({ property: 'count.now' });
      const { msg } = sent(await flow.send({ payload: 'p' }));
      assert.deepEqual([msg.payload, msg.count], ['p', { now: 1 }]);
    });

    it('nothing: 0 changes nothing, and leaves by the second output', async () => {
      await start({ amount: 'payload', amountType: 'msg', outputs: 2 }, '3');
      assert.equal(sent(await flow.send({ payload: 1 })).output, 0);
      const { output, msg } = sent(await flow.send({ payload: 0 }));
      assert.deepEqual([output, msg.payload, (msg.statestore as Result).updated], [1, 4, false]);
    });

    it('so that it expires', async () => {
      await start({ expiry: '0.005', expiryUnit: 'min' });
      const observation = await store.observe(key);
      sent(await flow.send());
      for await (const { operation } of observation) if (operation === 'delete') await observation.close();
    });
  });

  it('sends the token of the message, so that one who lost a role changes nothing', async () => {
    await start();
    const versions: string[] = [];
    for (const value of ['older', 'newer'])
      versions.push((await store.set('some role', value)).version ?? '');
    const [older, newer] = versions;
    assert.equal(sent(await flow.send({ fencingToken: newer })).msg.payload, 1);
    assert.equal(failed(await flow.send({ fencingToken: older })).code, 'FENCING_TOKEN_LOWER_VERSION');
    assert.equal(await stored(), '1');
  });

  it('names the cause if the token of a role is refused because the key is also updated without a role', async () => {
    await start();
    const { version: fencingToken } = await store.set('some role', 'has not changed');
    assert.equal(sent(await flow.send()).msg.payload, 1);
    const { code, message } = failed(await flow.send({ fencingToken }));
    assert.equal(code, 'FENCING_TOKEN_LOWER_VERSION');
    assert.match(message, /or the key is also changed under another lock or without a role\./);
  });

  describe('changes one record of reference data', () => {
    const LINES = '{"deviceId":"a",  "limit":1}\r\n{"limit":2,"deviceId":"b"}\n';
    const put = { change: 'putRecord', identity: 'deviceId' };
    const remove = { change: 'removeRecord', identity: 'deviceId' };

    it('puts it in the place of the one with the same property, or at the end', async () => {
      await start(put, LINES);
      const { msg } = sent(await flow.send({ payload: { deviceId: 'b', limit: 3 } }));
      assert.deepEqual(msg.payload, [
        { deviceId: 'a', limit: 1 },
        { deviceId: 'b', limit: 3 },
      ]);
      assert.equal(await stored(), '{"deviceId":"a",  "limit":1}\r\n{"deviceId":"b","limit":3}\n');
      sent(await flow.send({ payload: { deviceId: 'c' } }));
      assert.match((await stored()) ?? '', /"limit":3\}\n\{"deviceId":"c"\}\n$/);
    });

    it('makes the first record of a missing key', async () => {
      await start(put);
      sent(await flow.send({ payload: { deviceId: 'a' } }));
      assert.equal(await stored(), '{"deviceId":"a"}');
    });

    it('removes it by its record or by the value of the property', async () => {
      await start({ ...remove, outputs: 2 }, LINES);
      assert.deepEqual(sent(await flow.send({ payload: { deviceId: 'b' } })).msg.payload, [
        { deviceId: 'a', limit: 1 },
      ]);
      assert.equal(sent(await flow.send({ payload: 'nobody' })).output, 1);
      assert.equal(await stored(), '{"deviceId":"a",  "limit":1}\r\n');
      assert.deepEqual(sent(await flow.send({ payload: 'a' })).msg.payload, []);
    });

    it('changes nothing in a missing key when it removes', async () => {
      await start({ ...remove, outputs: 2 });
      assert.equal(sent(await flow.send({ payload: 'a' })).output, 1);
      assert.equal(await stored(), undefined);
    });

    it('names the line that is not a record, and the property that a record lacks', async () => {
      await start(put, `${LINES}[1]`);
      const bad = failed(await flow.send({ payload: { deviceId: 'b' } }));
      assert.equal(bad.code, 'BAD_ARGUMENT');
      assert.match(bad.message, /Line 3 .* is not a JSON object/);
      assert.equal((bad.msg.statestore as { key: string }).key, key);
      await store.set(key, LINES);
      assert.match(failed(await flow.send({ payload: { id: 1 } })).message, /deviceId/);
    });

    it('1,000 times by two clients: nothing is lost, and all other lines keep their bytes', async () => {
      const other = (n: number) => `{"deviceId": "d${n}",  "n": ${n}}`;
      const before = `${other(1)}\r\n{"deviceId":"hot","sum":0}\n${other(2)}\n`;
      await start({ ...put, timeout: '60' }, before);
      const second = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
      try {
        const byNode = Array.from({ length: 500 }, (_, i) =>
          flow.send({ payload: { deviceId: `node ${i % 5}`, count: i } }),
        );
        const byLibrary = Array.from({ length: 500 }, () =>
          update(
            second,
            key,
            (bytes) => {
              const [hot] = parseRecords(bytes as Buffer).filter(({ deviceId }) => deviceId === 'hot');
              return putRecord(bytes as Buffer, 'deviceId', { deviceId: 'hot', sum: Number(hot?.sum) + 1 });
            },
            { timeout: 60_000 },
          ),
        );
        for (const outcome of await Promise.all(byNode)) sent(outcome);
        await Promise.all(byLibrary);
        const lines = ((await stored()) ?? '').split('\n');
        assert.deepEqual(lines.slice(0, 3), [`${other(1)}\r`, '{"deviceId":"hot","sum":500}', other(2)]);
        assert.deepEqual(
          lines.slice(3, -1).sort(),
          [0, 1, 2, 3, 4].map((i) => `{"deviceId":"node ${i}","count":${495 + i}}`),
        );
      } finally {
        await second.close();
      }
    });
  });

  describe('takes', () => {
    it('the first entry of a list, which leaves in the message', async () => {
      await start({ change: 'take', outputs: 2 }, '[{"order":1},12345678901234567890,2]');
      const first = await flow.send({ payload: 'next' });
      assert.deepEqual(sent(first).msg.payload, { order: 1 });
      assert.equal(await stored(), '[12345678901234567890,2]');
      sent(await flow.send({ payload: 'next' }));
      assert.equal(sent(await flow.send({ payload: 'next' })).msg.payload, 2);
      assert.equal(await stored(), '[]');
      const none = sent(await flow.send({ payload: 'next' })).msg;
      assert.equal(none.payload, undefined);
      assert.equal((none.statestore as Result).updated, false);
    });

    it('nothing from a key that is missing, and leaves it missing', async () => {
      await start({ change: 'take' });
      const { msg } = sent(await flow.send({ payload: 'next' }));
      assert.equal(msg.payload, undefined);
      assert.equal((msg.statestore as Result).updated, false);
      assert.equal(await stored(), undefined);
    });

    it('nothing from a key that holds no list', async () => {
      await start({ change: 'take' }, '{"a":1}');
      const { message } = failed(await flow.send({ payload: 'next' }));
      assert.match(message, /holds an object, not a list: nothing was taken from it/);
    });

    it('each entry once, however many messages ask for one', async () => {
      await start({ change: 'take' }, JSON.stringify(Array.from({ length: 100 }, (_, index) => index)));
      const taken = await Promise.all(Array.from({ length: 100 }, () => flow.send({ payload: 'next' })));
      assert.deepEqual(
        taken.map((one) => sent(one).msg.payload),
        Array.from({ length: 100 }, (_, index) => index),
      );
    });
  });

  describe('takes an entry for a name', () => {
    const take = { change: 'take', taker: 'topic', takerType: 'msg', outputs: 2 } as const;
    const finish = { ...take, change: 'finish' } as const;
    /** Another node for the same key, as after a restart. */
    const again = async (definition: Partial<Definition>) => {
      await flow.stop();
      flow = await Flow.start(emulator.port, { type: 'statestore-update', key, ...definition });
    };
    const outcome = async (msg: object) => {
      const { output, msg: left } = sent(await flow.send({ payload: 'next', ...msg }));
      return [output, left.payload, (left.statestore as Result).updated];
    };
    const entries = async () => JSON.parse((await stored()) ?? '[]');

    it('which stays in the list until it is finished, and which no other name gets', async () => {
      await start(take, '[{"order":1},2,3]');
      assert.deepEqual(await outcome({ topic: 'A' }), [0, { order: 1 }, true]);
      assert.deepEqual(await outcome({ topic: 7 }), [0, 2, true]);
      const [first, second, third] = await entries();
      assert.deepEqual([first.takenBy, first.entry, second.takenBy, third], ['A', { order: 1 }, '7', 3]);
      await again(finish);
      assert.deepEqual(await outcome({ topic: 'A' }), [0, { order: 1 }, true]);
      assert.deepEqual(await entries(), [second, 3]);
      assert.deepEqual(await outcome({ topic: 'A' }), [1, undefined, false]);
      await again({ change: 'take' });
      assert.deepEqual(await outcome({}), [0, 3, true]);
      assert.deepEqual(await entries(), [second]);
      assert.deepEqual(await outcome({}), [0, undefined, false]);
    });

    it('and sends it once while the flow has it, and again after a restart', async () => {
      await start(take, '["a","b"]');
      const asked = await Promise.all([1, 2, 3].map(() => outcome({ topic: 'A' })));
      assert.deepEqual(asked, [
        [0, 'a', true],
        [1, undefined, false],
        [1, undefined, false],
      ]);
      await again(take);
      assert.deepEqual(await outcome({ topic: 'A' }), [0, 'a', false]);
      assert.deepEqual(await outcome({ topic: 'A' }), [1, undefined, false]);
      await update(store, key, () => '["b"]');
      assert.deepEqual(await outcome({ topic: 'A' }), [0, 'b', true]);
    });

    it('and finishes no other one, although the message that finished it comes again', async () => {
      await start(take, '["a","b"]');
      const { msg: first } = sent(await flow.send({ topic: 'A' }));
      await again(finish);
      const { msg: finished } = sent(await flow.send({ ...first }));
      assert.equal('entryId' in finished, false);
      await again(take);
      sent(await flow.send({ topic: 'A' }));
      await again(finish);
      assert.deepEqual(await outcome({ ...first }), [1, undefined, false]);
      assert.deepEqual(
        (await entries()).map(({ entry }: { entry: string }) => entry),
        ['b'],
      );
      assert.match(failed(await flow.send({ topic: 'A', entryId: 7 })).message, /^msg\.entryId is not text/);
      assert.deepEqual(await outcome({ topic: 'A' }), [0, 'b', true]);
    });

    it('whose numbers keep their digits', async () => {
      await start(take, '[12345678901234567890,{"serial":98765432109876543210}]');
      sent(await flow.send({ topic: 'A' }));
      assert.match(
        (await stored()) ?? '',
        /"entry":12345678901234567890\},\{"serial":98765432109876543210\}\]$/,
      );
      await again(finish);
      sent(await flow.send({ topic: 'A' }));
      assert.equal(await stored(), '[{"serial":98765432109876543210}]');
    });

    it('but not without the name', async () => {
      await start(take, '[1]');
      assert.match(
        failed(await flow.send({})).message,
        /^msg\.topic is not a name: key k\/\S+ was not changed/,
      );
      await again({ change: 'finish' });
      assert.match(
        failed(await flow.send({})).message,
        /^No name is set under "Taken by": nothing was finished/,
      );
      assert.equal(await stored(), '[1]');
    });
  });

  describe('appends', () => {
    it('to a list, and keeps the last entries', async () => {
      await start({ change: 'append', keep: '2' });
      assert.deepEqual(sent(await flow.send({ payload: 'milk' })).msg.payload, ['milk']);
      sent(await flow.send({ payload: { bread: 2 } }));
      const { msg } = sent(await flow.send({ payload: 3 }));
      assert.deepEqual(msg.payload, [{ bread: 2 }, 3]);
      assert.deepEqual((msg.statestore as Result).before, ['milk', { bread: 2 }]);
      assert.equal(await stored(), '[{"bread":2},3]');
    });

    it('the message as it arrived, also if the flow changes it later', async () => {
      await start({ change: 'append' });
      const payload = { name: 'milk' };
      const settled = flow.handle({ payload });
      payload.name = 'spoilt';
      assert.equal(await settled, 'send');
      assert.equal(await stored(), '[{"name":"milk"}]');
    });

    it('and leaves all digits of the numbers that are there', async () => {
      await start({ change: 'append' }, '[12345678901234567890,"12345678901234567890",0.1]');
      sent(await flow.send({ payload: 1 }));
      assert.equal(await stored(), '[12345678901234567890,"12345678901234567890",0.1,1]');
    });

    it('all, in the order of the messages', async () => {
      await start({ change: 'append' });
      await Promise.all(Array.from({ length: 300 }, (_, index) => flow.send({ payload: index })));
      assert.equal(await stored(), JSON.stringify(Array.from({ length: 300 }, (_, index) => index)));
    });
  });

  describe('merges', () => {
    it('into an object: what is new replaces, the rest stays, null is a value', async () => {
      await start({ change: 'merge' }, '{ "a": 1, "b": { "c": 2 }, "n": 5 }');
      const { msg } = sent(await flow.send({ payload: { b: { d: 3 }, n: null } }));
      assert.deepEqual(msg.payload, { a: 1, b: { d: 3 }, n: null });
      assert.deepEqual((msg.statestore as Result).before, { a: 1, b: { c: 2 }, n: 5 });
    });

    it('and leaves all digits of the numbers that it does not replace', async () => {
      await start({ change: 'merge' }, '{ "serial": 12345678901234567890, "list": [1e400], "state": "new" }');
      sent(await flow.send({ payload: { state: 'done' } }));
      assert.equal(await stored(), '{"serial":12345678901234567890,"list":[1e400],"state":"done"}');
    });

    it('a property called __proto__ like any other', async () => {
      await start({ change: 'merge' });
      sent(await flow.send({ payload: JSON.parse('{"__proto__":{"x":1}}') }));
      assert.equal(await stored(), '{"__proto__":{"x":1}}');
    });

    it('nothing new: nothing is written, for any notation of the same value', async () => {
      await start({ change: 'merge', outputs: 2 }, '{ "a": 1 }');
      assert.equal(sent(await flow.send({ payload: { a: 1 } })).output, 1);
      assert.equal(await stored(), '{ "a": 1 }');
    });
  });

  for (const [change, expected, outputs] of [
    ['larger', [5, 5, 9], [0, 1, 0]],
    ['smaller', [5, 3, 3], [0, 0, 1]],
  ] as const) {
    it(`keeps the ${change} number, the first one first`, async () => {
      await start({ change, outputs: 2 });
      const seen: Outcome[] = [];
      for (const payload of [5, 3, 9]) seen.push(await flow.send({ payload }));
      assert.deepEqual(
        seen.map((one) => sent(one).msg.payload),
        expected,
      );
      assert.deepEqual(
        seen.map((one) => sent(one).output),
        outputs,
      );
    });
  }

  describe('evaluates an expression', () => {
    for (const [name, expression, present, msg, expected] of [
      ['of what is there and the message', '$value * payload', '6', { payload: 7 }, 42],
      ['that names the message', '$value * msg.payload', '6', { payload: 7 }, 42],
      ['for a missing key', '$exists($value) ? $value + 1 : 100', undefined, {}, 100],
      ['of objects', '$merge([$value, {"n": $value.n + 1}])', '{"n":1,"m":0}', {}, { n: 2, m: 0 }],
      ['that takes a property away', '$value ~> |$|{}, "door"|', '{"door":1,"x":2}', {}, { x: 2 }],
      ['of text', '$uppercase($value)', 'hello', {}, 'HELLO'],
      ['that makes null', 'null', '1', {}, null],
      ['of binary data, which it gets as a buffer', '$value.length', Buffer.from([255, 1]), {}, 2],
    ] as const) {
      it(name, async () => {
        await start({ change: 'expression', expression }, present);
        assert.deepEqual(sent(await flow.send(msg)).msg.payload, expected);
        assert.equal(await stored(), typeof expected === 'string' ? expected : JSON.stringify(expected));
      });
    }

    it('with a start value', async () => {
      await start({ change: 'expression', expression: '$value + 1', start: '41' });
      assert.equal(sent(await flow.send()).msg.payload, 42);
    });

    it('that returns $delete, and the key is deleted; once more, and nothing changes', async () => {
      const expression = '$value.a = 1 ? $delete : $delete';
      await start({ change: 'expression', expression, outputs: 2 }, '{"a":1}');
      const { msg, output } = sent(await flow.send({ payload: 'p' }));
      assert.deepEqual([output, 'payload' in msg, (msg.statestore as Result).before], [0, false, { a: 1 }]);
      assert.equal(await stored(), undefined);
      assert.equal(sent(await flow.send()).output, 1);
    });

    for (const [name, present] of [
      ['holds a value', '{"a":1}'],
      ['is missing', undefined],
    ] as const) {
      it(`without a result: an error that changes nothing if the key ${name}`, async () => {
        await start({ change: 'expression', expression: '$value.nothing + payload' }, present);
        const { message } = failed(await flow.send({ payload: 1 }));
        assert.match(message, /^The expression has no result: key .* was not changed.*return \$delete\.$/);
        assert.equal(await stored(), present);
      });
    }

    it('with the expression of a new node: it counts from a missing key, and fails without a payload', async () => {
      const html = readFileSync(join(ROOT, 'nodes/statestore-update.html'), 'utf8');
      const [, expression = ''] =
        /expression: (?:fields\.expression\()?\{\s+(?:icon: 'code',\s+)?value: '(.*)',/.exec(html) ?? [];
      await start({ change: 'expression', expression });
      assert.equal(sent(await flow.send({ payload: 5 })).msg.payload, 5);
      assert.equal(sent(await flow.send({ payload: 2 })).msg.payload, 7);
      assert.equal(failed(await flow.send({ payload: undefined })).code, 'BAD_ARGUMENT');
      assert.equal(await stored(), '7');
    });

    it('that would change a number with many digits: an error that changes nothing', async () => {
      const present = '{"serial":12345678901234567890,"n":1}';
      await start({ change: 'expression', expression: '$merge([$value, {"n": payload}])' }, present);
      const { message } = failed(await flow.send({ payload: 2 }));
      assert.match(message, /holds the number 12345678901234567890, which has more digits/);
      assert.equal(await stored(), present);
    });

    it('with the same result, and nothing is written', async () => {
      await start({ change: 'expression', expression: '$value', outputs: 2 }, '{ "a": [1] }');
      assert.equal(sent(await flow.send()).output, 1);
      assert.equal(await stored(), '{ "a": [1] }');
    });

    it('for many keys at once, each with its own $value', async () => {
      await start({
        ...{ change: 'expression', key: 'topic', keyType: 'msg' },
        expression: '($global := $globalContext("nothing"); $exists($value) ? $value + 1 : 1)',
      });
      const key = (index: number) => `many/${index % 7}`;
      await Promise.all(Array.from({ length: 210 }, (_, index) => flow.send({ topic: key(index) })));
      for (let index = 0; index < 7; index++) {
        const got = await store.get(key(index));
        assert.equal(got.found && got.value.toString(), '30');
      }
    });
  });

  describe('sets', () => {
    it('what is protected by then', async () => {
      await start({ change: 'set', value: '0', valueType: 'num' });
      for (let i = 0; i < 3; i++) await update(store, key, (value) => String(Number(value ?? 0) + 1));
      const { msg } = sent(await flow.send({ payload: 'p' }));
      assert.deepEqual([msg.payload, (msg.statestore as Result).before], [0, 3]);
      assert.equal(await stored(), '0');
    });

    it('a value of any type', async () => {
      await start({ change: 'set' }, Buffer.from([255, 254]));
      assert.deepEqual(resultOf(await flow.send({ payload: 'text' })).before, Buffer.from([255, 254]));
      assert.equal(await stored(), 'text');
    });
  });

  describe('takes its key', () => {
    for (const [type, from, msg, expected] of [
      ['msg', 'topic', { topic: 'from/topic' }, 'from/topic'],
      ['msg', 'topic', { topic: Buffer.from([0, 255]) }, Buffer.from([0, 255])],
      ['jsonata', '"machine/" & id', { id: 7 }, 'machine/7'],
    ] as const) {
      it(`from ${type} (${from}): ${inspect(expected)}`, async () => {
        await start({ key: from, keyType: type });
        assert.equal(sent(await flow.send(msg)).msg.payload, 1);
        const got = await store.get(expected);
        assert.equal(got.found && got.value.toString(), '1');
      });
    }
  });

  describe('fails with one clear error, and the store stays as it was, for', () => {
    for (const [name, definition, present, msg, message] of [
      [
        'adding to text',
        {},
        'abc',
        {},
        'Key KEY holds the text "abc", not a number: nothing was added to it. Set it to a number like 0 with an update node that sets it, or use another key.',
      ],
      [
        'adding to nothing but bytes',
        {},
        Buffer.from([255, 0]),
        {},
        /^Key KEY holds binary data of 2 bytes, not/,
      ],
      ['adding to empty text', {}, '', {}, /^Key KEY holds empty text, not a number/],
      ['adding to a list', {}, '[1]', {}, /^Key KEY holds a list, not a number/],
      [
        'adding text',
        { amount: 'payload', amountType: 'msg' },
        '1',
        { payload: 'ten' },
        'msg.payload is the text "ten", but must be a number: nothing was added to key KEY. Correct it in the node or the message.',
      ],
      [
        'adding NaN',
        { amount: 'payload', amountType: 'msg' },
        '1',
        { payload: Number.NaN },
        /msg\.payload is the number NaN/,
      ],
      ['adding nothing', { amount: 'payload', amountType: 'msg' }, '1', {}, /msg\.payload is undefined/],
      ['counting too far', {}, '9007199254740991', {}, /exceeds the largest exact number/],
      ['adding to infinity', { amount: '1e308' }, '1e308', {}, /exceeds the largest exact number/],
      [
        'a start value that does not fit',
        { start: '"a"' },
        undefined,
        {},
        /^The initial value of key KEY is the text "a"/,
      ],
      [
        'appending to an object',
        { change: 'append' },
        '{"a":1}',
        { payload: 1 },
        /^Key KEY holds an object, not a list: nothing was appended to it\..* like \[\]/,
      ],
      [
        'appending nothing',
        { change: 'append' },
        '[]',
        {},
        /msg\.payload is undefined, which cannot be stored under key KEY/,
      ],
      [
        'appending NaN',
        { change: 'append' },
        '[]',
        { payload: Number.NaN },
        /msg\.payload is NaN, which cannot be stored/,
      ],
      [
        'a number of entries that is none',
        { change: 'append', keep: '0' },
        '[]',
        { payload: 1 },
        /"Keep the last" is "0", but must be a whole number from 1/,
      ],
      [
        'merging into a number',
        { change: 'merge' },
        '7',
        { payload: {} },
        /^Key KEY holds the number 7, not an/,
      ],
      [
        'merging a list',
        { change: 'merge' },
        '{}',
        { payload: [] },
        /msg\.payload is a list, but must be an object/,
      ],
      [
        'comparing with text',
        { change: 'larger' },
        'abc',
        { payload: 5 },
        /^Key KEY holds the text "abc", not a number: nothing was kept in it/,
      ],
      [
        'comparing text',
        { change: 'smaller' },
        '1',
        { payload: 'abc' },
        /msg\.payload is the text "abc", but must/,
      ],
      ['setting to nothing', { change: 'set' }, '1', {}, /msg\.payload is undefined, which cannot be stored/],
      [
        'an expression that cannot be understood',
        { change: 'expression', expression: '$value +' },
        '1',
        {},
        /^The expression of this node is not valid: .*\. Correct it in the node\.$/,
      ],
      ['no expression', { change: 'expression', expression: ' ' }, '1', {}, /^This node has no expression/],
      [
        'an expression that fails',
        { change: 'expression', expression: '$value + "a"' },
        '1',
        {},
        /^The expression failed: .* Key KEY was not changed\. Correct/,
      ],
      ['an unknown action', { change: 'double' }, '1', {}, /^The action "double" for key KEY is unknown/],
      ['no key', { key: '' }, undefined, {}, /^the key is empty, but the key to update must be/],
      [
        'a lock without a name',
        { lock: 'topic', lockType: 'msg' },
        '1',
        {},
        /^msg\.topic is undefined, but the lock must be/,
      ],
      [
        'the key as its lock',
        { lock: 'payload', lockType: 'msg' },
        '1',
        { payload: 'KEY' },
        /^lock must not be/,
      ],
      ['a duration out of range', { duration: '0' }, '1', {}, /^"Lease" of this node is "0", but/],
      ['no duration', { duration: 'long' }, '1', {}, /must be a number of seconds from 0\.1 to 3600/],
      ['a time that is none', { timeout: '-1' }, '1', {}, /^"Timeout" of this node is "-1", but/],
      ['msg.timeout of text', {}, '1', { timeout: 'x' }, /^msg\.timeout is "x", but must be a whole number/],
      ['an expiry of 0', { expiry: '0' }, '1', {}, /the expiry must be a positive number/],
    ] as const) {
      it(name, async () => {
        await start(definition, present);
        const before = await store.get(key);
        const filled = Object.entries(msg).map(([name, value]) => [name, value === 'KEY' ? key : value]);
        const outcome = failed(await flow.send(Object.fromEntries(filled)));
        assert.equal(outcome.code, 'BAD_ARGUMENT', outcome.message);
        const text = outcome.message.replaceAll(key, 'KEY');
        if (typeof message === 'string') assert.equal(text, message);
        else assert.match(text, message);
        assert.deepEqual(await store.get(key), before);
        const { statestore } = outcome.msg as { statestore?: { operation: string; error: string } };
        assert.deepEqual([statestore?.operation, statestore?.error], ['update', 'BAD_ARGUMENT']);
        await flow.status('status.error.BAD_ARGUMENT');
      });
    }

    it('one of many messages, and the others are applied', async () => {
      await start({ amount: 'payload', amountType: 'msg' });
      const amounts = [1, 'x', 2, Number.NaN, 3];
      const outcomes = await Promise.all(amounts.map((payload) => flow.send({ payload })));
      assert.deepEqual(
        outcomes.map(({ kind }) => kind),
        ['sent', 'failed', 'sent', 'failed', 'sent'],
      );
      assert.equal(await stored(), '6');
    });
  });

  describe('waits for its lock', () => {
    it('until its timeout, then reports the holder', async () => {
      await start({ timeout: '0.3' }, '1');
      const hold = await new Lock(store, `${key}/lock`).acquire();
      const outcome = failed(await flow.send());
      assert.equal(outcome.code, 'NOT_FREE');
      assert.match(outcome.message, new RegExp(`^${store.clientId} holds the lock ${key}/lock`));
      await hold?.release();
      assert.equal(sent(await flow.send()).msg.payload, 2);
    });

    it('as long as the message says, where the node says nothing', async () => {
      await start({ lock: 'other/lock', outputs: 1 }, '1');
      const hold = await new Lock(store, 'other/lock').acquire();
      assert.equal(failed(await flow.send({ timeout: 200 })).code, 'NOT_FREE');
      const waiting = flow.send();
      await hold?.release();
      assert.equal(sent(await waiting).msg.payload, 2);
    });

    it('and leaves no lock behind', async () => {
      await start();
      sent(await flow.send());
      while ((await store.get(`${key}/lock`)).found) await pause(10);
    });
  });

  it('has 256 messages on their way at a time, not one after the other', async () => {
    const proxy = await FaultProxy.start(() => emulator.port);
    proxy.delay = 20;
    key = `k/${randomUUID()}`;
    flow = await Flow.start(proxy.port, { type: 'statestore-update', key });
    await flow.status('status.connected');
    const began = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 256 }, () => flow.send()));
    const took = performance.now() - began;
    assert.deepEqual(
      outcomes.map((one) => sent(one).msg.payload),
      Array.from({ length: 256 }, (_, index) => index + 1),
    );
    // One after the other they would take 256 round trips of 40 ms.
    assert.ok(took < 256 * 40 * 0.5, `took ${Math.round(took)} ms`);
    await proxy.close();
  });

  it('says how many wait while there is no connection, and goes on afterwards', async () => {
    const proxy = await FaultProxy.start(() => emulator.port);
    key = `k/${randomUUID()}`;
    flow = await Flow.start(proxy.port, { type: 'statestore-update', key });
    await flow.status('status.connected');
    proxy.refusing = true;
    proxy.cut();
    while (flow.statuses.at(-1)?.toString() === 'status.connected') await once(flow, 'status');
    const outcomes = [flow.send(), flow.send()];
    await flow.status('status.queued');
    proxy.heal();
    assert.deepEqual(
      (await Promise.all(outcomes)).map((one) => sent(one).msg.payload),
      [1, 2],
    );
    await flow.status('status.connected');
    await proxy.close();
  });
});
