import assert from 'node:assert/strict';
import { NameList } from '../../src/context/name-list';
import { Lock } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';

describe('A list of names', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  const place = { key: 'list', lock: 'list/lock', keyOf: (name: string) => `value/${name}` };
  const listOf = (onEmptied?: () => void) =>
    new NameList(store, place, false, { onNames: () => undefined, ...(onEmptied && { onEmptied }) });
  const soon = () => performance.now() + 10_000;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ port: emulator.port });
  });
  afterEach(async () => {
    await store.close();
    await emulator.close();
  });

  it('keeps a name whose key exists, and removes a name whose key does not', async () => {
    const list = listOf();
    await list.add(['used', 'unused'], soon());
    await store.set('value/used', 'v');
    for (const name of ['used', 'unused']) list.remove(name);
    assert.equal(list.has('used'), false, 'certain, though it may be taken away');
    await list.idle();
    assert.deepEqual(await list.read(), ['used']);
    assert.equal(list.has('used'), true);
  });

  it('takes away no name that is added at the same time', async () => {
    const list = listOf();
    await list.add(['k'], soon());
    list.remove('k');
    await list.add(['k'], soon());
    assert.deepEqual(await list.read(), ['k']);
  });

  it('is deleted with its last name, and says so', async () => {
    let emptied = 0;
    const list = listOf(() => emptied++);
    await list.add(['k'], soon());
    list.remove('k');
    await list.idle();
    assert.equal((await store.get('list')).found, false);
    assert.equal(emptied, 1);
  });

  it('joins what is added at once into one update', async () => {
    const writes: string[] = [];
    await store.observe('list', (change) => {
      writes.push(change.operation === 'set' ? change.value.toString() : '');
    });
    const list = listOf();
    await Promise.all(Array.from({ length: 500 }, (_none, n) => list.add([`k${n}`], soon())));
    assert.equal((await list.read()).length, 500);
    assert.ok(writes.length <= 1, `${writes.length} writes`);
  });

  it('fails who waits at his own time, and not with others who have more', async () => {
    const other = new StateStoreClient({ port: emulator.port });
    const hold = await new Lock(other, place.lock).acquire();
    const list = listOf();
    const patient = list.add(['patient'], soon());
    await assert.rejects(list.add(['hasty'], performance.now() + 1500), { code: 'TIMEOUT' });
    await hold?.release();
    await patient;
    assert.ok((await list.read()).includes('patient'));
    await other.close();
  });

  it('starts again when another program damaged it', async () => {
    await store.set('list', 'no list');
    const list = listOf();
    await list.add(['k'], soon());
    assert.deepEqual(await list.read(), ['k']);
  });

  it('reports that it is full as what it is, and takes the names that fit', async () => {
    const small = await Emulator.start({ port: 0, maximumPacketSize: 4096 });
    const client = new StateStoreClient({ port: small.port });
    await client.connect();
    const list = new NameList(client, place, false, { onNames: () => undefined });
    const names = Array.from({ length: 200 }, (_, index) => `machine_${index}_temperature`);
    const outcomes = await Promise.allSettled(names.map((name) => list.add([name], soon())));
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(kept > 50 && kept < 200, String(kept));
    assert.equal((await list.read()).length, kept);
    await rejectsWith(list.add(['another'.repeat(20)], soon()), {
      code: 'BAD_ARGUMENT',
      retryable: false,
      message:
        /^The list of names list is full: with another name it would not fit into one packet.*\(4096 bytes\)/,
    });
    for (const name of names) list.remove(name);
    await list.idle();
    await list.add(['another'.repeat(20)], soon());
    await client.close();
    await small.close();
  });
});
