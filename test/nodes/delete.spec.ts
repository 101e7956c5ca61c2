import assert from 'node:assert/strict';
import { failed, sent, useFlow } from '../support/flow-suite';

describe('The node delete', () => {
  const suite = useFlow({ maximumPacketSize: 100_000 });

  it('deletes a key and passes the payload through', async () => {
    await suite.store.set('d1', 'v');
    await suite.start({ type: 'statestore-delete', key: 'd1', outputs: 2 });
    const first = sent(await suite.flow.send({ payload: 'kept' }));
    assert.equal(first.output, 0);
    assert.equal(first.msg.payload, 'kept');
    const { version, ...result } = first.msg.statestore as Record<string, unknown>;
    assert.deepEqual(result, { operation: 'delete', key: 'd1', deleted: true });
    assert.match(String(version), /^\d{15}/);
    const second = sent(await suite.flow.send({ payload: 'kept' }));
    assert.equal(second.output, 1);
    assert.deepEqual(second.msg.statestore, { operation: 'delete', key: 'd1', deleted: false });
  });

  it('deletes only the given value', async () => {
    await suite.store.set('d2', '{"a":1}');
    await suite.start({ type: 'statestore-delete', key: 'd2', onlyIfValue: true, outputs: 2 });
    assert.equal(sent(await suite.flow.send({ payload: 'other' })).output, 1);
    assert.equal(await suite.stored('d2'), '{"a":1}');
    assert.equal(sent(await suite.flow.send({ payload: { a: 1 } })).output, 0);
    assert.equal(await suite.stored('d2'), undefined);
  });

  it('deletes all keys that match a pattern, and names each', async () => {
    for (const name of ['a', 'b']) await suite.store.set(`gone/${name}`, name);
    await suite.store.set('stays/a', 'a');
    await suite.start({ type: 'statestore-delete', key: 'gone/*', keyType: 'pattern' });
    const { msg } = sent(await suite.flow.send({ payload: 'p' }));
    const keys = { 'gone/a': true, 'gone/b': true };
    assert.deepEqual(msg.statestore, { operation: 'delete', pattern: 'gone/*', deleted: true, keys });
    assert.deepEqual(
      [await suite.stored('gone/a'), await suite.stored('stays/a'), msg.payload],
      [undefined, 'a', 'p'],
    );
  });

  it('deletes nothing if more keys match than the node allows', async () => {
    for (const name of ['a', 'b', 'c']) await suite.store.set(`few/${name}`, name);
    await suite.start({ type: 'statestore-delete', key: 'few/*', keyType: 'pattern', maxKeys: '2' });
    const { code, message } = failed(await suite.flow.send());
    assert.equal(code, 'BAD_ARGUMENT');
    assert.match(message, /^More than 2 keys match the pattern few\/\*: nothing was deleted\./);
    assert.equal(await suite.stored('few/a'), 'a');
  });

  it('deletes a list of keys', async () => {
    await suite.store.set('m/1', 'v');
    await suite.start({ type: 'statestore-delete', key: 'keys', keyType: 'msg', outputs: 2 });
    const { msg, output } = sent(await suite.flow.send({ keys: ['m/1', 'm/2'] }));
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
