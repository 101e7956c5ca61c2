import assert from 'node:assert/strict';
import { failed, sent, useFlow } from '../support/flow-suite';

describe('The node set', () => {
  const suite = useFlow({ maximumPacketSize: 100_000 });

  it('stores a list of objects as reference data, each on its line', async () => {
    await suite.start({ type: 'statestore-set', key: 'table', format: 'ndjson' });
    sent(await suite.flow.send({ payload: [{ deviceId: 'a' }, { deviceId: 'b' }] }));
    assert.equal(await suite.stored('table'), '{"deviceId":"a"}\n{"deviceId":"b"}');
    sent(await suite.flow.send({ payload: '{"deviceId":"c"}\n' }));
    assert.equal(await suite.stored('table'), '{"deviceId":"c"}\n');
  });

  for (const [payload, message] of [
    [[{ a: 1 }, 7], /^Element 2 of the list is not an object/],
    ['{"a":1}\n[]', /^Line 2 of the reference data is not a JSON object/],
    [{ a: 1 }, /^NDJSON needs a list of objects/],
  ] as const) {
    it(`stores nothing of reference data with a fault: ${JSON.stringify(payload)}`, async () => {
      await suite.start({ type: 'statestore-set', key: 'faulty', format: 'ndjson' });
      const outcome = failed(await suite.flow.send({ payload }));
      assert.equal(outcome.code, 'BAD_ARGUMENT');
      assert.match(outcome.message, message);
      assert.equal((outcome.msg.statestore as { key: string }).key, 'faulty');
      assert.equal(await suite.stored('faulty'), undefined);
    });
  }

  it('stores the payload and passes the message on with the result', async () => {
    await suite.start({ type: 'statestore-set', key: 'k1' });
    const { output, msg } = sent(await suite.flow.send({ payload: 'hello', topic: 't', nested: { a: [1] } }));
    assert.equal(output, 0);
    assert.equal(await suite.stored('k1'), 'hello');
    const got = await suite.store.get('k1');
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
      await suite.start({ type: 'statestore-set', key: 'types' });
      sent(await suite.flow.send({ payload: value }));
      assert.equal(await suite.stored('types'), expected);
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
      await suite.start({ type: 'statestore-set', key, keyType: type });
      sent(await suite.flow.send({ payload: 'v', ...msg }));
      assert.equal(await suite.stored(expected), 'v');
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
      await suite.start({ type: 'statestore-set', key, value: 'v', valueType: 'str' });
      suite.flow.node.context().flow.set('line', 'L1');
      suite.flow.node.context().global.set('site', 'north');
      const msg = { payload: { id: 7 }, topic: 'a/<b>', list: [1, 2] };
      sent(await suite.flow.send(msg));
      assert.equal(await suite.stored(expected), 'v');
    });
  }

  it('says that a text key is no template', async () => {
    await suite.start({ type: 'statestore-set', key: '{{#open}}' });
    const { code, message } = failed(await suite.flow.send({ payload: 'v' }));
    assert.equal(code, 'BAD_ARGUMENT');
    assert.match(
      message,
      /^The key "{{#open}}" of this node could not be evaluated: Unclosed section "open"/,
    );
  });

  it('fails where a template makes an empty key', async () => {
    await suite.start({ type: 'statestore-set', key: '{{payload.id}}' });
    assert.match(failed(await suite.flow.send({ payload: 'v' })).message, /^the key is empty/);
  });

  it('takes key and value from flow and global context', async () => {
    await suite.start({ type: 'statestore-set', key: 'k', keyType: 'flow', value: 'v', valueType: 'global' });
    suite.flow.node.context().flow.set('k', 'ctx');
    suite.flow.node.context().global.set('v', { deep: 1 });
    sent(await suite.flow.send());
    assert.equal(await suite.stored('ctx'), '{"deep":1}');
  });

  it('uses its second output when nothing was stored', async () => {
    await suite.store.delete('nx');
    await suite.start({ type: 'statestore-set', key: 'nx', condition: 'NX', outputs: 2 });
    assert.equal(sent(await suite.flow.send({ payload: '1' })).output, 0);
    const second = sent(await suite.flow.send({ payload: '2' }));
    assert.equal(second.output, 1);
    assert.equal((second.msg.statestore as { stored: boolean }).stored, false);
    assert.equal(await suite.stored('nx'), '1');
  });

  it('reports the result of a condition at its only output', async () => {
    await suite.store.set('nex', '1');
    await suite.start({ type: 'statestore-set', key: 'nex', condition: 'NEX' });
    const stored = async (payload: string) =>
      (sent(await suite.flow.send({ payload })).msg.statestore as { stored: boolean }).stored;
    assert.deepEqual([await stored('1'), await stored('2')], [true, false]);
  });

  it('lets the value expire in the unit that was chosen', async () => {
    await suite.start({ type: 'statestore-set', key: 'exp', expiry: '0.5', expiryUnit: 'h' });
    const before = Date.now();
    sent(await suite.flow.send({ payload: 'v' }));
    const due = (suite.emulator.engine.nextExpiry as number) - before;
    assert.ok(due >= 1_800_000 && due < 1_805_000, `due in ${due} ms`);
  });

  it('takes fractions of a unit that floating point cannot say exactly', async () => {
    await suite.start({ type: 'statestore-set', key: 'exp', expiry: '0.07', expiryUnit: 's' });
    sent(await suite.flow.send({ payload: 'v' }));
  });

  describe('with options in the message', () => {
    const due = () => Math.round(((suite.emulator.engine.nextExpiry as number) - Date.now()) / 10_000) * 10;
    for (const [precedence, own, msg, expected] of [
      ['node', '', { expiry: 100 }, 100],
      ['node', '200', { expiry: 100 }, 200],
      ['message', '200', { expiry: 100 }, 100],
      ['message', '200', {}, 200],
      ['ignore', '200', { expiry: 100 }, 200],
    ] as const) {
      it(`${precedence}: an expiry of ${own || 'none'} here and ${JSON.stringify(msg)} is ${expected} s`, async () => {
        await suite.store.delete('exp');
        await suite.start({
          type: 'statestore-set',
          key: 'exp',
          expiry: own,
          expiryUnit: 's',
          messageOptions: precedence,
        });
        sent(await suite.flow.send({ payload: 'v', ...msg }));
        assert.equal(due(), expected);
        await suite.store.delete('exp');
      });
    }

    it('a condition may come from there', async () => {
      await suite.store.set('msgcond', '1');
      await suite.start({ type: 'statestore-set', key: 'msgcond', outputs: 2 });
      assert.equal(sent(await suite.flow.send({ payload: '2', condition: 'new' })).output, 1);
      assert.equal(sent(await suite.flow.send({ payload: '1', condition: 'new or unchanged' })).output, 0);
      assert.equal(sent(await suite.flow.send({ payload: '2', condition: 'always' })).output, 0);
      const { code, message } = failed(await suite.flow.send({ payload: '3', condition: 'sometimes' }));
      assert.equal(code, 'BAD_ARGUMENT');
      assert.match(
        message,
        /^msg\.condition is "sometimes", but must be "always", "new" or "new or unchanged"/,
      );
    });

    it('a condition of the node wins unless the message comes first', async () => {
      await suite.store.set('msgcond', '1');
      await suite.start({ type: 'statestore-set', key: 'msgcond', condition: 'NX', outputs: 2 });
      assert.equal(sent(await suite.flow.send({ payload: '2', condition: 'always' })).output, 1);
      await suite.flow.allCompleted();
      await suite.flow.stop();
      await suite.start({
        type: 'statestore-set',
        key: 'msgcond',
        condition: 'NX',
        outputs: 2,
        messageOptions: 'message',
      });
      assert.equal(sent(await suite.flow.send({ payload: '2', condition: 'always' })).output, 0);
    });

    for (const type of ['statestore-set', 'statestore-get', 'statestore-delete']) {
      it(`${type} checks msg.timeout`, async () => {
        await suite.start({ type, key: 'k' });
        const { code, message } = failed(await suite.flow.send({ payload: 'v', timeout: -1 }));
        assert.equal(code, 'BAD_ARGUMENT');
        assert.match(message, /^msg\.timeout is -1, but must be a whole number of milliseconds from 1 to/);
        sent(await suite.flow.send({ payload: 'v', timeout: '5000' }));
        sent(await suite.flow.send({ payload: 'v', timeout: 5000 }));
      });
    }
  });

  it('stores each property of an object under its own key', async () => {
    await suite.start({ type: 'statestore-set', keyType: 'each', key: '', outputs: 2 });
    const { msg, output } = sent(
      await suite.flow.send({ payload: { 'e/1': 1, 'e/2': 'two', 'e/3': { n: 3 } } }),
    );
    assert.equal(output, 0);
    assert.deepEqual(
      [await suite.stored('e/1'), await suite.stored('e/2'), await suite.stored('e/3')],
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
    await suite.start({ type: 'statestore-set', keyType: 'each', key: '' });
    const { code, message, msg } = failed(
      await suite.flow.send({ payload: { 'f/1': 1, 'f/2': undefined, 'f/3': 3 } }),
    );
    assert.equal(code, 'BAD_ARGUMENT');
    assert.match(
      message,
      /^msg\.payload\.f\/2 is undefined.* 1 of 3 keys failed: see msg\.statestore\.results\.$/,
    );
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
    assert.equal(await suite.stored('f/3'), '3');
  });

  it('keeps the order of messages, also when a value comes late', async () => {
    // The first message takes thousands of steps to evaluate, the others a few.
    const value = 'payload = 0 ? $sum($map([1..3000], function($i) { 0 })) : payload';
    await suite.start({ type: 'statestore-set', key: 'order', value, valueType: 'jsonata' });
    await Promise.all(Array.from({ length: 21 }, (_, i) => suite.flow.send({ payload: i })));
    assert.equal(await suite.stored('order'), '20');
    assert.deepEqual(
      suite.flow.outcomes.map(({ msg }) => msg.payload),
      Array.from({ length: 21 }, (_, i) => i),
    );
  });
});
