import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { failed, sent, useFlow } from '../support/flow-suite';

describe('The node get', () => {
  const suite = useFlow({ maximumPacketSize: 100_000 });

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
      await suite.store.set('value', bytes);
      await suite.start({ type: 'statestore-get', key: 'value', format });
      const { msg } = sent(await suite.flow.send({ payload: 'old', other: 1 }));
      assert.deepEqual(msg.payload, expected);
      assert.equal(msg.other, 1);
      const { version, ...result } = msg.statestore as Record<string, unknown>;
      assert.deepEqual(result, { operation: 'get', key: 'value', found: true });
      assert.match(String(version), /^\d{15}:\d{5}:/);
    });
  }

  it('writes to the property that was chosen', async () => {
    await suite.store.set('value', 'x');
    await suite.start({ type: 'statestore-get', key: 'value', property: 'machine.state' });
    const { msg } = sent(await suite.flow.send({ payload: 'kept' }));
    assert.deepEqual([msg.payload, msg.machine], ['kept', { state: 'x' }]);
  });

  it('removes the property and says so when there is no such key', async () => {
    await suite.start({ type: 'statestore-get', key: 'no/such/key', outputs: 2 });
    const { msg, output } = sent(await suite.flow.send({ payload: 'old' }));
    assert.equal(output, 1);
    assert.equal('payload' in msg, false);
    assert.deepEqual(msg.statestore, { operation: 'get', key: 'no/such/key', found: false });
  });

  it('sends a default value if set up so, and still reports that the key is missing', async () => {
    await suite.start({
      type: 'statestore-get',
      key: 'key',
      keyType: 'msg',
      missing: 'default',
      default: '{"on":false}',
      defaultType: 'json',
      outputs: 2,
    });
    const one = sent(await suite.flow.send({ key: 'no/such/key' }));
    assert.deepEqual([one.output, one.msg.payload], [1, { on: false }]);
    assert.deepEqual(one.msg.statestore, { operation: 'get', key: 'no/such/key', found: false });
    await suite.store.set('there', '1');
    const many = sent(await suite.flow.send({ key: ['no/such/key', 'there'] }));
    assert.deepEqual(many.msg.payload, { 'no/such/key': { on: false }, there: 1 });
  });

  it('fails if set up so', async () => {
    await suite.start({ type: 'statestore-get', key: 'key', keyType: 'msg', missing: 'error' });
    const { code, message } = failed(await suite.flow.send({ key: 'no/such/key' }));
    assert.equal(code, 'KEY_NOT_FOUND');
    assert.match(message, /^There is no key no\/such\/key in the state store\. Set it first/);
    const many = failed(await suite.flow.send({ key: ['no/such/key', 'neither'] }));
    assert.match(many.message, /^There is no key.* 2 of 2 keys failed: see msg\.statestore\.results\.$/);
  });

  it('reads reference data as a list of objects, and names the line that is not one', async () => {
    await suite.start({ type: 'statestore-get', key: 'ndjson', format: 'ndjson' });
    await suite.store.set('ndjson', '{"a":1}\n\n{"a":2}\n');
    assert.deepEqual(sent(await suite.flow.send()).msg.payload, [{ a: 1 }, { a: 2 }]);
    await suite.store.set('ndjson', '{"a":1}\nnonsense');
    const { code, message } = failed(await suite.flow.send());
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
      await suite.store.set('total/1', '5');
      await suite.store.set('total/2', '7');
      await suite.start({
        ...{ type: 'statestore-get', key: '["total/1","total/2","total/3"]', keyType: 'json', listing },
        ...{ missing: 'default', default: '0', defaultType: 'num' },
      });
      assert.deepEqual(sent(await suite.flow.send()).msg.payload, expected);
    });

  it('fails if there is no sum of the values', async () => {
    await suite.store.set('total/text', 'five');
    await suite.start({ type: 'statestore-get', key: '["total/text"]', keyType: 'json', listing: 'sum' });
    assert.match(failed(await suite.flow.send()).message, /^The value of total\/text is not a number/);
  });

  describe('by a pattern', () => {
    const pattern = { type: 'statestore-get', keyType: 'pattern' };
    before(async () => {
      for (const name of ['1', '2', '*']) await suite.store.set(`match/${name}/t`, name);
    });

    it('reads all keys that match into an object', async () => {
      await suite.start({ ...pattern, key: 'match/?/t', outputs: 2 });
      const { msg, output } = sent(await suite.flow.send());
      assert.deepEqual(msg.payload, { 'match/*/t': '*', 'match/1/t': 1, 'match/2/t': 2 });
      const { results, ...result } = msg.statestore as { results: { key: string; found: boolean }[] };
      assert.deepEqual(result, { operation: 'get', pattern: 'match/?/t', found: true });
      assert.deepEqual([results.map(({ found }) => found), output], [[true, true, true], 0]);
    });

    it('lists the keys alone', async () => {
      await suite.start({ ...pattern, key: 'match/[12]/*', listing: 'keys' });
      assert.deepEqual(sent(await suite.flow.send()).msg.payload, ['match/1/t', 'match/2/t']);
    });

    it('takes a star in the message as a star', async () => {
      await suite.start({ ...pattern, key: 'match/{{payload}}/*', listing: 'keys' });
      assert.deepEqual(sent(await suite.flow.send({ payload: '*' })).msg.payload, ['match/*/t']);
    });

    it('leaves by the second output if no key matches, or fails if the node says so', async () => {
      await suite.start({ ...pattern, key: 'none/*', outputs: 2 });
      const { msg, output } = sent(await suite.flow.send());
      assert.deepEqual([msg.payload, output], [{}, 1]);
      await suite.flow.stop();
      await suite.start({ ...pattern, key: 'none/*', missing: 'error' });
      assert.equal(failed(await suite.flow.send()).code, 'KEY_NOT_FOUND');
    });

    it('names the largest number of keys if more match', async () => {
      await suite.start({ ...pattern, key: 'match/*', maxKeys: '2' });
      assert.match(failed(await suite.flow.send()).message, /^More than 2 keys match the pattern match\/\*/);
    });

    it('fails with NOT_SUPPORTED, and shows it, if the broker cannot list keys', async () => {
      const old = await Emulator.start({ port: 0, scan: false });
      try {
        await suite.start({ ...pattern, key: 'match/*' }, old.port);
        assert.equal(failed(await suite.flow.send()).code, 'NOT_SUPPORTED');
        await suite.flow.status('status.error.NOT_SUPPORTED');
      } finally {
        await old.close();
      }
    });
  });

  it('reads a list of keys into an object', async () => {
    await suite.store.set('l/1', '1');
    await suite.store.set('__proto__', '"p"');
    await suite.start({ type: 'statestore-get', key: 'keys', keyType: 'msg', outputs: 2 });
    const { msg, output } = sent(await suite.flow.send({ keys: ['l/1', 'l/none', '__proto__'] }));
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
    assert.deepEqual(sent(await suite.flow.send({ keys: [] })).msg.payload, {});
  });

  it('fails clearly when the value is not the JSON that was asked for', async () => {
    await suite.store.set('text', 'plain');
    await suite.start({ type: 'statestore-get', key: 'text', format: 'json' });
    const { code, message } = failed(await suite.flow.send());
    assert.equal(code, 'BAD_RESPONSE');
    assert.match(message, /^The value of key text is not valid JSON\. Change "Convert to"/);
  });
});
