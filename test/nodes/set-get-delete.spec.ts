import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { type Definition, Flow, handle, type Outcome } from '../support/flow';

const sent = (outcome: Outcome): Extract<Outcome, { kind: 'sent' }> => {
  assert.equal(outcome.kind, 'sent', inspect(outcome));
  return outcome as Extract<Outcome, { kind: 'sent' }>;
};
const failed = (outcome: Outcome): Extract<Outcome, { kind: 'failed' }> => {
  assert.equal(outcome.kind, 'failed', inspect(outcome));
  return outcome as Extract<Outcome, { kind: 'failed' }>;
};

const CYCLIC: Record<string, unknown> = {};
CYCLIC.itself = CYCLIC;

describe('The nodes set, get and delete', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  let flow: Flow;

  before(async () => {
    emulator = await Emulator.start({ port: 0, maximumPacketSize: 100_000 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });
  afterEach(
    'each message has had exactly one outcome, and Complete fired for those that were sent',
    async () => {
      const { outcomes, completed } = flow;
      await flow.stop();
      const ids = outcomes.map(({ msg }) => msg._msgid);
      assert.equal(new Set(ids).size, ids.length);
      const sentIds = outcomes.filter(({ kind }) => kind === 'sent').map(({ msg }) => msg._msgid);
      assert.deepEqual(completed.sort(), sentIds.sort());
    },
  );

  const start = async (definition: Definition) => {
    flow = await Flow.start(emulator.port, definition);
  };
  const stored = async (key: string | Buffer): Promise<string | undefined> => {
    const got = await store.get(key);
    return got.found ? got.value.toString() : undefined;
  };

  describe('set', () => {
    it('stores a list of objects as reference data, each on its line', async () => {
      await start({ type: 'statestore-set', key: 'table', format: 'ndjson' });
      sent(await flow.send({ payload: [{ deviceId: 'a' }, { deviceId: 'b' }] }));
      assert.equal(await stored('table'), '{"deviceId":"a"}\n{"deviceId":"b"}');
      sent(await flow.send({ payload: '{"deviceId":"c"}\n' }));
      assert.equal(await stored('table'), '{"deviceId":"c"}\n');
    });

    for (const [payload, message] of [
      [[{ a: 1 }, 7], /^Element 2 of the list is not an object/],
      ['{"a":1}\n[]', /^Line 2 of the reference data is not a JSON object/],
      [{ a: 1 }, /^NDJSON needs a list of objects/],
    ] as const) {
      it(`stores nothing of reference data with a fault: ${JSON.stringify(payload)}`, async () => {
        await start({ type: 'statestore-set', key: 'faulty', format: 'ndjson' });
        const outcome = failed(await flow.send({ payload }));
        assert.equal(outcome.code, 'BAD_ARGUMENT');
        assert.match(outcome.message, message);
        assert.equal((outcome.msg.statestore as { key: string }).key, 'faulty');
        assert.equal(await stored('faulty'), undefined);
      });
    }

    it('stores the payload and passes the message on with the result', async () => {
      await start({ type: 'statestore-set', key: 'k1' });
      const { output, msg } = sent(await flow.send({ payload: 'hello', topic: 't', nested: { a: [1] } }));
      assert.equal(output, 0);
      assert.equal(await stored('k1'), 'hello');
      const got = await store.get('k1');
      const { statestore, _msgid, ...rest } = msg;
      assert.deepEqual(rest, { payload: 'hello', topic: 't', nested: { a: [1] } });
      assert.deepEqual(statestore, {
        operation: 'set',
        key: 'k1',
        stored: true,
        version: got.found && got.version,
      });
    });

    for (const [name, value, expected] of [
      ['text', 'héllo', 'héllo'],
      ['empty text', '', ''],
      ['a number', 21.5, '21.5'],
      ['true', true, 'true'],
      ['null', null, 'null'],
      ['an object', { a: [1, 'x'] }, '{"a":[1,"x"]}'],
      ['a list', [1, 2], '[1,2]'],
      ['a buffer', Buffer.from('raw'), 'raw'],
    ] as const) {
      it(`stores ${name}`, async () => {
        await start({ type: 'statestore-set', key: 'types' });
        sent(await flow.send({ payload: value }));
        assert.equal(await stored('types'), expected);
      });
    }

    for (const [type, key, msg, expected] of [
      ['msg', 'topic', { topic: 'from/msg' }, 'from/msg'],
      ['msg', 'topic', { topic: 42 }, '42'],
      ['msg', 'topic', { topic: Buffer.from('buf') }, 'buf'],
      ['jsonata', '"machine/" & id', { id: 7 }, 'machine/7'],
      ['env', 'STATESTORE_TEST_KEY', {}, 'from/env'],
      ['bin', '[98,105,110]', {}, 'bin'],
    ] as const) {
      it(`takes the key from ${type} (${JSON.stringify(key)})`, async () => {
        process.env.STATESTORE_TEST_KEY = 'from/env';
        await start({ type: 'statestore-set', key, keyType: type });
        sent(await flow.send({ payload: 'v', ...msg }));
        assert.equal(await stored(expected), 'v');
      });
    }

    for (const [key, expected] of [
      ['machine/{{payload.id}}', 'machine/7'],
      ['{{topic}}', 'a/<b>'],
      ['{{{topic}}}', 'a/<b>'],
      ['{{&topic}}', 'a/<b>'],
      ['{{#list}}{{.}},{{/list}}end', '1,2,end'],
      ['{{flow.line}}/{{global.site}}/{{payload.id}}', 'L1/north/7'],
      ['{{env.STATESTORE_TEST_KEY}}', 'from/env'],
      [`machine/\${STATESTORE_TEST_KEY}/{{payload.id}}`, 'machine/from/env/7'],
      [`\${STATESTORE_TEST_KEY}/x`, 'from/env/x'],
      ['{{payload.missing.name}}x', 'x'],
      ['{payload.id}', '{payload.id}'],
      ['}}{', '}}{'],
    ] as const) {
      it(`fills in the text key ${key}`, async () => {
        process.env.STATESTORE_TEST_KEY = 'from/env';
        await start({ type: 'statestore-set', key, value: 'v', valueType: 'str' });
        flow.node.context().flow.set('line', 'L1');
        flow.node.context().global.set('site', 'north');
        const msg = { payload: { id: 7 }, topic: 'a/<b>', list: [1, 2] };
        sent(await flow.send(msg));
        assert.equal(await stored(expected), 'v');
      });
    }

    it('says that a text key is no template', async () => {
      await start({ type: 'statestore-set', key: '{{#open}}' });
      const { code, message } = failed(await flow.send({ payload: 'v' }));
      assert.equal(code, 'BAD_ARGUMENT');
      assert.match(
        message,
        /^The key "{{#open}}" of this node could not be evaluated: Unclosed section "open"/,
      );
    });

    it('fails where a template makes an empty key', async () => {
      await start({ type: 'statestore-set', key: '{{payload.id}}' });
      assert.match(failed(await flow.send({ payload: 'v' })).message, /^the key is empty/);
    });

    it('takes key and value from flow and global context', async () => {
      await start({ type: 'statestore-set', key: 'k', keyType: 'flow', value: 'v', valueType: 'global' });
      flow.node.context().flow.set('k', 'ctx');
      flow.node.context().global.set('v', { deep: 1 });
      sent(await flow.send());
      assert.equal(await stored('ctx'), '{"deep":1}');
    });

    it('uses its second output when nothing was stored', async () => {
      await store.delete('nx');
      await start({ type: 'statestore-set', key: 'nx', condition: 'NX', outputs: 2 });
      assert.equal(sent(await flow.send({ payload: '1' })).output, 0);
      const second = sent(await flow.send({ payload: '2' }));
      assert.equal(second.output, 1);
      assert.equal((second.msg.statestore as { stored: boolean }).stored, false);
      assert.equal(await stored('nx'), '1');
    });

    it('reports the result of a condition at its only output', async () => {
      await store.set('nex', '1');
      await start({ type: 'statestore-set', key: 'nex', condition: 'NEX' });
      const stored = async (payload: string) =>
        (sent(await flow.send({ payload })).msg.statestore as { stored: boolean }).stored;
      assert.deepEqual([await stored('1'), await stored('2')], [true, false]);
    });

    it('lets the value expire in the unit that was chosen', async () => {
      await start({ type: 'statestore-set', key: 'exp', expiry: '0.5', expiryUnit: 'h' });
      const before = Date.now();
      sent(await flow.send({ payload: 'v' }));
      const due = (emulator.engine.nextExpiry as number) - before;
      assert.ok(due >= 1_800_000 && due < 1_805_000, `due in ${due} ms`);
    });

    it('takes fractions of a unit that floating point cannot say exactly', async () => {
      await start({ type: 'statestore-set', key: 'exp', expiry: '0.07', expiryUnit: 's' });
      sent(await flow.send({ payload: 'v' }));
    });

    describe('with options in the message', () => {
      const due = () => Math.round(((emulator.engine.nextExpiry as number) - Date.now()) / 10_000) * 10;
      for (const [precedence, own, msg, expected] of [
        ['node', '', { expiry: 100 }, 100],
        ['node', '200', { expiry: 100 }, 200],
        ['message', '200', { expiry: 100 }, 100],
        ['message', '200', {}, 200],
        ['ignore', '200', { expiry: 100 }, 200],
      ] as const) {
        it(`${precedence}: an expiry of ${own || 'none'} here and ${JSON.stringify(msg)} is ${expected} s`, async () => {
          await store.delete('exp');
          await start({
            type: 'statestore-set',
            key: 'exp',
            expiry: own,
            expiryUnit: 's',
            messageOptions: precedence,
          });
          sent(await flow.send({ payload: 'v', ...msg }));
          assert.equal(due(), expected);
          await store.delete('exp');
        });
      }

      it('a condition may come from there', async () => {
        await store.set('msgcond', '1');
        await start({ type: 'statestore-set', key: 'msgcond', outputs: 2 });
        assert.equal(sent(await flow.send({ payload: '2', condition: 'new' })).output, 1);
        assert.equal(sent(await flow.send({ payload: '1', condition: 'new or unchanged' })).output, 0);
        assert.equal(sent(await flow.send({ payload: '2', condition: 'always' })).output, 0);
        const { code, message } = failed(await flow.send({ payload: '3', condition: 'sometimes' }));
        assert.equal(code, 'BAD_ARGUMENT');
        assert.match(
          message,
          /^msg\.condition is "sometimes", but must be "always", "new" or "new or unchanged"/,
        );
      });

      it('a condition of the node wins unless the message comes first', async () => {
        await store.set('msgcond', '1');
        await start({ type: 'statestore-set', key: 'msgcond', condition: 'NX', outputs: 2 });
        assert.equal(sent(await flow.send({ payload: '2', condition: 'always' })).output, 1);
        await flow.allCompleted();
        await flow.stop();
        await start({
          type: 'statestore-set',
          key: 'msgcond',
          condition: 'NX',
          outputs: 2,
          messageOptions: 'message',
        });
        assert.equal(sent(await flow.send({ payload: '2', condition: 'always' })).output, 0);
      });

      for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
        it(`${type} checks msg.timeout`, async () => {
          await start({ type, key: 'k' });
          const { code, message } = failed(await flow.send({ payload: 'v', timeout: -1 }));
          assert.equal(code, 'BAD_ARGUMENT');
          assert.match(message, /^msg\.timeout is -1, but must be a whole number of milliseconds from 1 to/);
          sent(await flow.send({ payload: 'v', timeout: '5000' }));
          sent(await flow.send({ payload: 'v', timeout: 5000 }));
        });
      }
    });

    it('stores each property of an object under its own key', async () => {
      await start({ type: 'statestore-set', keyType: 'each', key: '', outputs: 2 });
      const { msg, output } = sent(await flow.send({ payload: { 'e/1': 1, 'e/2': 'two', 'e/3': { n: 3 } } }));
      assert.equal(output, 0);
      assert.deepEqual(
        [await stored('e/1'), await stored('e/2'), await stored('e/3')],
        ['1', 'two', '{"n":3}'],
      );
      const { results, stored: all } = msg.statestore as {
        results: { key: string; stored: boolean }[];
        stored: boolean;
      };
      assert.equal(all, true);
      assert.deepEqual(
        results.map(({ key, stored }) => [key, stored]),
        [
          ['e/1', true],
          ['e/2', true],
          ['e/3', true],
        ],
      );
    });

    it('reports the result of each key if some fail', async () => {
      await start({ type: 'statestore-set', keyType: 'each', key: '' });
      const { code, message, msg } = failed(
        await flow.send({ payload: { 'f/1': 1, 'f/2': undefined, 'f/3': 3 } }),
      );
      assert.equal(code, 'BAD_ARGUMENT');
      assert.match(message, /^msg\.payload\.f\/2 is undefined.* 1 of 3 keys failed\.$/);
      const { results } = msg.statestore as {
        results: { key: string; stored?: boolean; error?: { code: string } }[];
      };
      assert.deepEqual(
        results.map(({ key, stored, error }) => [key, stored ?? error?.code]),
        [
          ['f/1', true],
          ['f/2', 'BAD_ARGUMENT'],
          ['f/3', true],
        ],
      );
      assert.equal(await stored('f/3'), '3');
    });

    it('keeps the order of messages, also when a value comes late', async () => {
      // The first message takes thousands of steps to evaluate, the others a few.
      const value = 'payload = 0 ? $sum($map([1..3000], function($i) { 0 })) : payload';
      await start({ type: 'statestore-set', key: 'order', value, valueType: 'jsonata' });
      await Promise.all(Array.from({ length: 21 }, (_, i) => flow.send({ payload: i })));
      assert.equal(await stored('order'), '20');
      assert.deepEqual(
        flow.outcomes.map(({ msg }) => msg.payload),
        Array.from({ length: 21 }, (_, i) => i),
      );
    });
  });

  describe('get', () => {
    for (const [format, bytes, expected] of [
      ['auto-detect', '{"a":1}', { a: 1 }],
      ['auto-detect', '21.5', 21.5],
      ['auto-detect', 'some text', 'some text'],
      ['auto-detect', '', ''],
      ['auto-detect', Buffer.from([0xff, 0xfe]), Buffer.from([0xff, 0xfe])],
      ['buffer', 'text', Buffer.from('text')],
      ['utf8', '21.5', '21.5'],
      ['json', '[1]', [1]],
      ['base64', Buffer.from([0xff]), '/w=='],
    ] as const) {
      it(`makes ${JSON.stringify(expected)} of ${JSON.stringify(bytes)} with ${format}`, async () => {
        await store.set('value', bytes);
        await start({ type: 'statestore-get', key: 'value', format });
        const { msg } = sent(await flow.send({ payload: 'old', other: 1 }));
        assert.deepEqual(msg.payload, expected);
        assert.equal(msg.other, 1);
        const { version, ...result } = msg.statestore as Record<string, unknown>;
        assert.deepEqual(result, { operation: 'get', key: 'value', found: true });
        assert.match(String(version), /^\d{15}:\d{5}:/);
      });
    }

    it('writes to the property that was chosen', async () => {
      await store.set('value', 'x');
      await start({ type: 'statestore-get', key: 'value', property: 'machine.state' });
      const { msg } = sent(await flow.send({ payload: 'kept' }));
      assert.deepEqual([msg.payload, msg.machine], ['kept', { state: 'x' }]);
    });

    it('removes the property and says so when there is no such key', async () => {
      await start({ type: 'statestore-get', key: 'no/such/key', outputs: 2 });
      const { msg, output } = sent(await flow.send({ payload: 'old' }));
      assert.equal(output, 1);
      assert.equal('payload' in msg, false);
      assert.deepEqual(msg.statestore, { operation: 'get', key: 'no/such/key', found: false });
    });

    it('sends a default value if set up so, and still reports that the key is missing', async () => {
      await start({
        type: 'statestore-get',
        key: 'key',
        keyType: 'msg',
        missing: 'default',
        default: '{"on":false}',
        defaultType: 'json',
        outputs: 2,
      });
      const one = sent(await flow.send({ key: 'no/such/key' }));
      assert.deepEqual([one.output, one.msg.payload], [1, { on: false }]);
      assert.deepEqual(one.msg.statestore, { operation: 'get', key: 'no/such/key', found: false });
      await store.set('there', '1');
      const many = sent(await flow.send({ key: ['no/such/key', 'there'] }));
      assert.deepEqual(many.msg.payload, { 'no/such/key': { on: false }, there: 1 });
    });

    it('fails if set up so', async () => {
      await start({ type: 'statestore-get', key: 'key', keyType: 'msg', missing: 'error' });
      const { code, message } = failed(await flow.send({ key: 'no/such/key' }));
      assert.equal(code, 'KEY_NOT_FOUND');
      assert.match(message, /^There is no key no\/such\/key in the state store\. Set it first/);
      const many = failed(await flow.send({ key: ['no/such/key', 'neither'] }));
      assert.match(many.message, /^There is no key.* 2 of 2 keys failed\.$/);
    });

    it('reads reference data as a list of objects, and names the line that is not one', async () => {
      await start({ type: 'statestore-get', key: 'ndjson', format: 'ndjson' });
      await store.set('ndjson', '{"a":1}\n\n{"a":2}\n');
      assert.deepEqual(sent(await flow.send()).msg.payload, [{ a: 1 }, { a: 2 }]);
      await store.set('ndjson', '{"a":1}\nnonsense');
      const { code, message } = failed(await flow.send());
      assert.equal(code, 'BAD_RESPONSE');
      assert.match(message, /^The value of key ndjson is not NDJSON\. Line 2/);
    });

    for (const [listing, expected] of Object.entries({
      values: { 'total/1': 5, 'total/2': 7, 'total/3': 0 },
      sum: 12,
      smallest: 0,
      largest: 7,
      count: 3,
      keys: ['total/1', 'total/2', 'total/3'],
    }))
      it(`makes ${listing} of a list of keys, with the default value of a missing one`, async () => {
        await store.set('total/1', '5');
        await store.set('total/2', '7');
        await start({
          ...{ type: 'statestore-get', key: '["total/1","total/2","total/3"]', keyType: 'json', listing },
          ...{ missing: 'default', default: '0', defaultType: 'num' },
        });
        assert.deepEqual(sent(await flow.send()).msg.payload, expected);
      });

    it('fails if there is no sum of the values', async () => {
      await store.set('total/text', 'five');
      await start({ type: 'statestore-get', key: '["total/text"]', keyType: 'json', listing: 'sum' });
      assert.match(failed(await flow.send()).message, /^The value of total\/text is not a number/);
    });

    describe('by a pattern', () => {
      const pattern = { type: 'statestore-get', keyType: 'pattern' };
      before(async () => {
        for (const name of ['1', '2', '*']) await store.set(`match/${name}/t`, name);
      });

      it('reads all keys that match into an object', async () => {
        await start({ ...pattern, key: 'match/?/t', outputs: 2 });
        const { msg, output } = sent(await flow.send());
        assert.deepEqual(msg.payload, { 'match/*/t': '*', 'match/1/t': 1, 'match/2/t': 2 });
        const { results, ...result } = msg.statestore as { results: { key: string; found: boolean }[] };
        assert.deepEqual(result, { operation: 'get', pattern: 'match/?/t', found: true });
        assert.deepEqual([results.map(({ found }) => found), output], [[true, true, true], 0]);
      });

      it('lists the keys alone', async () => {
        await start({ ...pattern, key: 'match/[12]/*', listing: 'keys' });
        assert.deepEqual(sent(await flow.send()).msg.payload, ['match/1/t', 'match/2/t']);
      });

      it('takes a star in the message as a star', async () => {
        await start({ ...pattern, key: 'match/{{payload}}/*', listing: 'keys' });
        assert.deepEqual(sent(await flow.send({ payload: '*' })).msg.payload, ['match/*/t']);
      });

      it('leaves by the second output if no key matches, or fails if the node says so', async () => {
        await start({ ...pattern, key: 'none/*', outputs: 2 });
        const { msg, output } = sent(await flow.send());
        assert.deepEqual([msg.payload, output], [{}, 1]);
        await flow.stop();
        await start({ ...pattern, key: 'none/*', missing: 'error' });
        assert.equal(failed(await flow.send()).code, 'KEY_NOT_FOUND');
      });

      it('names the largest number of keys if more match', async () => {
        await start({ ...pattern, key: 'match/*', maxKeys: '2' });
        assert.match(failed(await flow.send()).message, /^More than 2 keys match the pattern match\/\*/);
      });

      it('fails with NOT_SUPPORTED, and shows it, if the broker cannot list keys', async () => {
        const old = await Emulator.start({ port: 0, scan: false });
        try {
          flow = await Flow.start(old.port, { ...pattern, key: 'match/*' });
          assert.equal(failed(await flow.send()).code, 'NOT_SUPPORTED');
          await flow.status('status.error.NOT_SUPPORTED');
        } finally {
          await old.close();
        }
      });
    });

    it('reads a list of keys into an object', async () => {
      await store.set('l/1', '1');
      await store.set('__proto__', '"p"');
      await start({ type: 'statestore-get', key: 'keys', keyType: 'msg', outputs: 2 });
      const { msg, output } = sent(await flow.send({ keys: ['l/1', 'l/none', '__proto__'] }));
      assert.equal(output, 1, 'one of them is missing');
      assert.deepEqual(Object.entries(msg.payload as object), [
        ['l/1', 1],
        ['__proto__', 'p'],
      ]);
      const { found, results } = msg.statestore as {
        found: boolean;
        results: { key: string; found: boolean }[];
      };
      assert.equal(found, false);
      assert.deepEqual(
        results.map((one) => [one.key, one.found]),
        [
          ['l/1', true],
          ['l/none', false],
          ['__proto__', true],
        ],
      );
      assert.deepEqual(sent(await flow.send({ keys: [] })).msg.payload, {});
    });

    it('fails clearly when the value is not the JSON that was asked for', async () => {
      await store.set('text', 'plain');
      await start({ type: 'statestore-get', key: 'text', format: 'json' });
      const { code, message } = failed(await flow.send());
      assert.equal(code, 'BAD_RESPONSE');
      assert.match(message, /^The value of key text is not valid JSON\. Change "Convert to"/);
    });
  });

  describe('delete', () => {
    it('deletes a key and passes the payload through', async () => {
      await store.set('d1', 'v');
      await start({ type: 'statestore-delete', key: 'd1', outputs: 2 });
      const first = sent(await flow.send({ payload: 'kept' }));
      assert.equal(first.output, 0);
      assert.equal(first.msg.payload, 'kept');
      const { version, ...result } = first.msg.statestore as Record<string, unknown>;
      assert.deepEqual(result, { operation: 'delete', key: 'd1', deleted: true });
      assert.match(String(version), /^\d{15}/);
      const second = sent(await flow.send({ payload: 'kept' }));
      assert.equal(second.output, 1);
      assert.deepEqual(second.msg.statestore, { operation: 'delete', key: 'd1', deleted: false });
    });

    it('deletes only the given value', async () => {
      await store.set('d2', '{"a":1}');
      await start({ type: 'statestore-delete', key: 'd2', onlyIfValue: true, outputs: 2 });
      assert.equal(sent(await flow.send({ payload: 'other' })).output, 1);
      assert.equal(await stored('d2'), '{"a":1}');
      assert.equal(sent(await flow.send({ payload: { a: 1 } })).output, 0);
      assert.equal(await stored('d2'), undefined);
    });

    it('deletes all keys that match a pattern, and names each', async () => {
      for (const name of ['a', 'b']) await store.set(`gone/${name}`, name);
      await store.set('stays/a', 'a');
      await start({ type: 'statestore-delete', key: 'gone/*', keyType: 'pattern' });
      const { msg } = sent(await flow.send({ payload: 'p' }));
      const keys = { 'gone/a': true, 'gone/b': true };
      assert.deepEqual(msg.statestore, { operation: 'delete', pattern: 'gone/*', deleted: true, keys });
      assert.deepEqual([await stored('gone/a'), await stored('stays/a'), msg.payload], [undefined, 'a', 'p']);
    });

    it('deletes nothing if more keys match than the node allows', async () => {
      for (const name of ['a', 'b', 'c']) await store.set(`few/${name}`, name);
      await start({ type: 'statestore-delete', key: 'few/*', keyType: 'pattern', maxKeys: '2' });
      const { code, message } = failed(await flow.send());
      assert.equal(code, 'BAD_ARGUMENT');
      assert.match(message, /^More than 2 keys match the pattern few\/\*: nothing was deleted\./);
      assert.equal(await stored('few/a'), 'a');
    });

    it('deletes a list of keys', async () => {
      await store.set('m/1', 'v');
      await start({ type: 'statestore-delete', key: 'keys', keyType: 'msg', outputs: 2 });
      const { msg, output } = sent(await flow.send({ keys: ['m/1', 'm/2'] }));
      assert.equal(output, 1);
      const { results } = msg.statestore as { results: { key: string; deleted: boolean }[] };
      assert.deepEqual(
        results.map(({ key, deleted }) => [key, deleted]),
        [
          ['m/1', true],
          ['m/2', false],
        ],
      );
    });
  });

  describe('fencing tokens', () => {
    it('may be left blank in the node', async () => {
      await start({ type: 'statestore-set', key: 'unfenced', fencingToken: '' });
      sent(await flow.send({ payload: 'a', fencingToken: 'ignored' }));
      await flow.stop();
      await start({ type: 'statestore-delete', key: 'unfenced', fencingToken: '' });
      sent(await flow.send({ payload: 'a' }));
    });

    it('come from the message when it has one', async () => {
      const { version } = await store.set('lock', 'me');
      await start({ type: 'statestore-set', key: 'fenced' });
      sent(await flow.send({ payload: 'a', fencingToken: version }));
      const { code, message } = failed(await flow.send({ payload: 'b' }));
      assert.equal(code, 'FENCING_TOKEN_REQUIRED');
      assert.match(
        message,
        /^Use an update node with the action "set to a value \(reset\)" for key fenced\. The key is protected.*msg\.fencingToken/,
      );
      sent(await flow.send({ payload: 'c', fencingToken: version }));
      assert.equal(await stored('fenced'), 'c');
    });
  });

  for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
    it(`fail a message that cannot be extended once (${type})`, async () => {
      await start({ type, key: 'sealed', value: 'v', valueType: 'str' });
      const outcome = await new Promise((resolve) => {
        const msg = Object.preventExtensions({ _msgid: randomUUID() });
        handle(flow.node, msg, () => resolve('sent'), resolve);
      });
      assert.equal((outcome as { code?: string }).code, 'UNKNOWN');
    });
  }

  for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
    it(`fail a message that cannot be sent once (${type})`, async () => {
      await start({ type, key: 'unsendable', value: 'v', valueType: 'str' });
      const outcomes: unknown[] = [];
      await new Promise<void>((resolve) => {
        const unsendable = () => {
          throw new Error('cannot be cloned');
        };
        handle(flow.node, { _msgid: randomUUID() }, unsendable, (error) => {
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
        await start({ ...definition });
        const outcome = failed(await flow.send({ ...msg }));
        assert.equal(outcome.code, code);
        assert.match(outcome.message, message);
        assert.equal((outcome.msg.statestore as { error: string }).error, code);
        const status = await flow.status(`status.error.${code}`);
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
          sent(await flow.send(repaired));
          assert.equal(((await flow.status('status.connected')) as { fill: string }).fill, 'green');
        }
        assert.equal((await store.set('still', 'usable')).stored, true);
      });
    }
  });
});
