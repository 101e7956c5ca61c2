import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Flow } from '../support/flow';

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** Keys and values that have tripped up key-value clients. */
const CASES: [name: string, key: string | Buffer, value: Buffer][] = [
  ['all 256 byte values', ALL_BYTES, ALL_BYTES],
  ['a value of 64 KiB', 'large', Buffer.alloc(65_536, ALL_BYTES)],
  ['an empty value', 'empty', Buffer.alloc(0)],
  ['a key of 6,500 bytes', 'k'.repeat(6500), Buffer.from('v')],
  ['emoji', '🔑 ключ', Buffer.from('😀')],
  ['a key and a value that look like RESP', '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', Buffer.from('$-1\r\n')],
  ['a key that looks like a topic', 'clients/+/#', Buffer.from('-ERR not authorized\r\n')],
];

describe('Any bytes through the nodes', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });

  const through = async (type: string, msg: Record<string, unknown>) => {
    const flow = await Flow.start(emulator.port, { type, key: 'key', keyType: 'msg', format: 'buffer' });
    const outcome = await flow.send(msg);
    await flow.stop();
    assert.equal(outcome.kind, 'sent');
    return outcome.msg;
  };

  for (const [name, key, value] of CASES) {
    it(`${name}: set, get, observe, delete`, async () => {
      const flow = await Flow.start(emulator.port, {
        type: 'statestore-observe',
        mode: 'messages',
        format: 'buffer',
      });
      assert.equal(await flow.settle({ topic: key }), 'done');
      await store.set(key, value);
      while (flow.outcomes.length < 1)
        await new Promise<void>((resolve) => flow.once('outcome', () => resolve()));
      assert.deepEqual(flow.outcomes[0]?.msg.payload, value);
      await flow.stop();
      await store.delete(key);

      const set = await through('statestore-set', { key, payload: value });
      assert.equal((set.statestore as { stored: boolean }).stored, true);
      const direct = await store.get(key);
      assert.deepEqual(direct.found && direct.value, value);
      assert.deepEqual((await through('statestore-get', { key })).payload, value);
      const removed = await through('statestore-delete', { key });
      assert.equal((removed.statestore as { deleted: boolean }).deleted, true);
      assert.equal((await store.get(key)).found, false);
    });
  }
});
