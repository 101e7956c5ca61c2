/** Context stores and keys that no list of names has, with brokers that can list keys and with brokers that cannot. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { get, keys, logLines, openStore, type Store, set, until } from '../support/context';
import { FaultProxy } from '../support/fault-proxy';

const FLOW = '0123456789abcdef';
const NODE = 'fedcba9876543210';
/** The bytes of DEL nodered/global/late. */
const DELETE_LATE = Buffer.from('*2\r\n$3\r\nDEL\r\n$19\r\nnodered/global/late\r\n');

describe('Context keys that no list has', () => {
  let emulator: Emulator;
  let other: StateStoreClient;
  let log: ReturnType<typeof logLines>;
  const opened: Store[] = [];
  const start = async (scan = true) => {
    emulator = await Emulator.start({ port: 0, scan });
    other = new StateStoreClient({ port: emulator.port });
  };
  const open = async (...parameters: Parameters<typeof openStore>) => {
    const store = await openStore(...parameters);
    opened.push(store);
    return store;
  };
  const listOf = async (scope: string): Promise<string[]> => {
    const reading = await other.get(`nodered/$index/${scope}`);
    return reading.found ? JSON.parse(reading.value.toString()) : [];
  };
  /** The lists of names are protected, so no client can delete them. */
  const loseLists = (...scopes: string[]) => {
    for (const end of ['$scopes', ...scopes.map((scope) => `$index/${scope}`)]) {
      const key = Buffer.from(`nodered/${end}`);
      emulator.engine.restore({ kind: 'delete', key, version: '' }, Date.now(), performance.now());
    }
  };
  const names = (store: Store, scope: string) => [...(store.keys(scope) ?? [])].sort();
  const complaints = () => log.all.filter((line) => !/loaded in|connected; values/.test(line));

  beforeEach(() => {
    log = logLines();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await other.close();
    await emulator.close();
    log.stop();
  });

  it('are found at the start if another client set them, and the lists have them then', async () => {
    await start();
    const first = await open(emulator.port);
    await set(first, 'global', 'own', 1);
    await other.set('nodered/global/theirs', '{"n":2}');
    await other.set('nodered/global/a key/of ä [few]*', 'text');
    await other.set(`nodered/${FLOW}/x`, '3');
    await other.set(`nodered/${NODE}:${FLOW}/x`, '4');
    const second = await open(emulator.port);
    assert.equal(second.get('global', 'theirs.n'), 2);
    assert.equal(second.get('global', "'a key/of ä [few]*'"), 'text');
    assert.equal(second.get(FLOW, 'x'), 3);
    assert.equal(second.get(`${NODE}:${FLOW}`, 'x'), 4);
    assert.deepEqual((await listOf('global')).sort(), ['a key/of ä [few]*', 'own', 'theirs']);
    await until(() => first.get(FLOW, 'x') === 3 && first.get('global', 'theirs.n') === 2);
    await other.set('nodered/global/theirs', '{"n":5}');
    await until(() => second.get('global', 'theirs.n') === 5);
    await set(second, 'global', 'theirs', undefined);
    await until(() => names(first, 'global').join() === 'a key/of ä [few]*,own');
    assert.deepEqual(complaints(), []);
  });

  it('are found at the start if all lists were lost', async () => {
    await start();
    const count = 1200;
    const keysOfFlow = Array.from(
      { length: count },
      (_, index) => [`nodered/${FLOW}/k${index}`, `${index}`] as const,
    );
    await other.setMany(keysOfFlow);
    const before = await open(emulator.port);
    await set(before, 'global', 'x', 1);
    await before.close();
    loseLists('global', FLOW);
    const store = await open(emulator.port);
    assert.equal(store.get('global', 'x'), 1);
    assert.equal(store.keys(FLOW)?.length, count);
    assert.equal(store.get(FLOW, 'k1199'), 1199);
    assert.equal((await listOf(FLOW)).length, count);
    assert.deepEqual(complaints(), []);
  });

  it('are found after the connection was lost', async () => {
    await start();
    const proxy = await FaultProxy.start(() => emulator.port);
    const store = await open(proxy.port);
    await set(store, 'global', 'own', 1);
    await other.set('nodered/global/theirs', '2');
    assert.equal(store.get('global', 'theirs'), undefined);
    proxy.cut();
    await until(() => store.get('global', 'theirs') === 2);
    assert.deepEqual(names(store, 'global'), ['own', 'theirs']);
    await proxy.close();
  }).timeout(10_000);

  it('are not locks, keys of the context store itself, or keys of other programs', async () => {
    await start();
    await other.set('nodered/global/count', '1');
    for (const key of [
      ...[
        'nodered/global/count/lock',
        'nodered/$other/x',
        'nodered/global/',
        'nodered/leader',
        'nodered/flows/1',
      ],
      ...['nodered/library/flows', 'nodered/line 1/x', 'nodered2/global/x', `nodered/${FLOW}%41/x`],
    ])
      await other.set(key, '1');
    await other.set(Buffer.from([...Buffer.from('nodered/global/'), 0xff]), '1');
    await other.set(`nodered/global/${'k'.repeat(31_000)}`, '1');
    const store = await open(emulator.port);
    assert.deepEqual(names(store, 'global'), ['count']);
    const scopes = await other.get('nodered/$scopes');
    assert.equal(String(scopes.found && scopes.value), '["global"]');
    assert.deepEqual(complaints(), []);
  });

  it('are not left in a list if they are deleted while they are found', async () => {
    await start();
    await other.set('nodered/global/late', '1');
    await other.set('nodered/global/stays', '1');
    let deleted = false;
    emulator.engine.onChange = ({ key }) => {
      if (deleted || String(key) !== 'nodered/$index/global') return;
      deleted = true;
      queueMicrotask(() => {
        emulator.engine.execute({ clientId: 'x', payload: DELETE_LATE }, Date.now(), performance.now());
      });
    };
    const store = await open(emulator.port);
    assert.ok(deleted);
    assert.deepEqual(names(store, 'global'), ['stays']);
    while ((await listOf('global')).includes('late')) await other.get('nodered/global/late');
  });

  it('are listed and deleted without a cache', async () => {
    await start();
    const store = await open(emulator.port, { cache: false });
    await set(store, 'global', 'own', 1);
    await other.set('nodered/global/theirs', '2');
    assert.deepEqual(((await keys(store, 'global')) as string[]).sort(), ['own', 'theirs']);
    assert.equal(await get(store, 'global', 'theirs'), 2);
    await store.delete('global');
    assert.equal((await other.get('nodered/global/theirs')).found, false);
    assert.deepEqual(await keys(store, 'global'), []);
  });

  it('are not found if the broker cannot list keys, and everything else works without a warning', async () => {
    await start(false);
    const first = await open(emulator.port);
    const direct = await open(emulator.port, { cache: false });
    await set(first, 'global', 'own', 1);
    await set(direct, FLOW, 'x', 2);
    await other.set('nodered/global/theirs', '3');
    const second = await open(emulator.port);
    assert.equal(second.get('global', 'own'), 1);
    assert.equal(second.get(FLOW, 'x'), 2);
    assert.deepEqual(names(second, 'global'), ['own']);
    assert.deepEqual(await keys(direct, 'global'), ['own']);
    await direct.delete('global');
    await until(() => second.get('global', 'own') === undefined);
    assert.deepEqual(complaints(), []);
  });
});
