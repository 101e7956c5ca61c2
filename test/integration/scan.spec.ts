import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Rules } from '../../src/emulator/access/rules';
import { Emulator, type EmulatorOptions } from '../../src/emulator/index';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { FaultProxy } from '../support/fault-proxy';
import { fillForScan, scanUnderChange } from '../support/scan-under-change';
import { type ScriptedStore, startScriptedStore } from '../support/scripted-store';

describe('A list of keys', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  const start = async (options: EmulatorOptions = {}, client: StateStoreClientOptions = {}) => {
    emulator = await Emulator.start({ port: 0, ...options });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, ...client });
  };
  afterEach(async () => {
    await store.close();
    await emulator.close();
  });
  const list = async (pattern: string, client = store) => {
    const keys: string[] = [];
    for await (const key of client.keys(pattern)) keys.push(String(key));
    return keys;
  };
  const fill = (count: number) =>
    store.setMany(Array.from({ length: count }, (_, i) => [`machine/${i}`, 'v'] as const));

  it('has the keys that match, over as many pages as it takes', async () => {
    await start();
    await store.set('other', 'v');
    await fill(2500);
    assert.deepEqual(
      await list('machine/*'),
      Array.from({ length: 2500 }, (_, i) => `machine/${i}`),
    );
    assert.deepEqual(await list('machine/[12]'), ['machine/1', 'machine/2']);
    assert.deepEqual(await list('none*'), []);
  });

  it('has each key that stays exactly once while another client sets and deletes keys', async () => {
    await start();
    await fillForScan(emulator.port, 10_000);
    const { missed, repeated, passing, changes } = await scanUnderChange(emulator.port, 10_000);
    assert.deepEqual({ missed, repeated }, { missed: 0, repeated: 0 });
    assert.ok(changes > 100 && passing >= 10, `${changes} changes, ${passing} passing keys`);
  });

  it('has keys without the prefix of the client, whose characters are taken literally', async () => {
    await start({}, { keyPrefix: 'line[1]*/' });
    await store.set('k', 'v');
    const other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await other.set('line1x/k', 'v');
    assert.deepEqual(await list('*'), ['k']);
    assert.deepEqual(await list('*', other), ['line[1]*/k', 'line1x/k']);
    await other.close();
  });

  it('has only keys that a rule lets the client read', async () => {
    const rules = Rules.parse(`spec:
  authorizationPolicies:
    rules:
      - principals: { clientIds: ['*'] }
        stateStoreResources:
          - { method: ReadWrite, keyType: Pattern, keys: ['machine/*'] }
          - { method: Write, keyType: Pattern, keys: ['secret/*'] }`);
    await start({ rules });
    await store.set('secret/1', 'v');
    await store.set('machine/1', 'v');
    assert.deepEqual(await list('*'), ['machine/1']);
  });

  it('goes on after a page that could not be read, when it is asked again', async () => {
    await start();
    await fill(1500);
    const proxy = await FaultProxy.start(() => emulator.port);
    const client = new StateStoreClient({ host: '127.0.0.1', port: proxy.port });
    const keys = client.keys('*');
    const found: string[] = [];
    for (let i = 0; i < 1000; i++) found.push(String((await keys.next()).value));
    const abort = new AbortController();
    emulator.rejectPublishes({ durationMs: 60_000 });
    const aborted = client.keys('*', { signal: abort.signal }).next();
    abort.abort();
    await assert.rejects(aborted, { name: 'AbortError' });
    await client.close();
    await assert.rejects(keys.next(), { code: 'CLOSED', operation: 'keys', applied: 'no' });
    await proxy.close();
    emulator.rejectPublishes({ durationMs: 0 });
    const again = store.keys('*', { timeout: 300 });
    for (let i = 0; i < 1000; i++) await again.next();
    emulator.rejectPublishes({ durationMs: 60_000 });
    await assert.rejects(again.next(), { operation: 'keys', applied: 'no' });
    emulator.rejectPublishes({ durationMs: 0 });
    for await (const key of again) found.push(String(key));
    assert.equal(new Set(found).size, 1500);
    assert.equal(found.length, 1500);
  });

  it('is one page after the other if it is read by several callers at once', async () => {
    await start();
    await fill(1500);
    const keys = store.keys('*');
    const results = await Promise.all(Array.from({ length: 1501 }, () => keys.next()));
    assert.equal(new Set(results.slice(0, 1500).map(({ value }) => String(value))).size, 1500);
    assert.equal(results[1500]?.done, true);
  });

  it('ends when its reader leaves', async () => {
    await start();
    await fill(3);
    const keys = store.keys('*');
    for await (const _ of keys) break;
    assert.deepEqual(await keys.next(), { done: true, value: undefined });
  });

  it('is refused before anything is sent if the pattern is empty or not valid', async () => {
    await start();
    await assert.rejects(store.keys('').next(), { code: 'BAD_ARGUMENT' });
    await assert.rejects(store.keys('a[').next(), { code: 'BAD_ARGUMENT', message: /a "\[" has no "\]"/ });
  });

  it('is not supported by an older broker, which is asked once for each connection', async () => {
    await start({ scan: false });
    await store.set('k', 'v');
    for (let i = 0; i < 3; i++)
      await assert.rejects(store.keys('machine/*').next(), {
        ...{ code: 'NOT_SUPPORTED', operation: 'keys', key: 'machine/*', applied: 'no', retryable: false },
        message:
          /^This broker cannot list keys .*: the keys that match machine\/\* were not listed\. Update /,
      });
    assert.equal(store.answers, 2);
    emulator.engine.scan = true;
    const { port, engine } = emulator;
    await emulator.close();
    if (store.state.kind === 'connected') await once(store, 'state');
    emulator = await Emulator.start({ port, engine });
    assert.deepEqual(await list('*'), ['k']);
  });
});

describe('A list of keys of a store that answers nonsense', () => {
  let server: ScriptedStore;
  let store: StateStoreClient;
  beforeEach(async () => {
    server = await startScriptedStore();
    store = new StateStoreClient({ host: '127.0.0.1', port: server.port });
  });
  afterEach(async () => {
    await store.close();
    await server.close();
  });

  for (const payload of [
    '*0\r\n',
    '*3\r\n*0\r\n$1\r\na\r\n$1\r\nb\r\n',
    '*2\r\n*0\r\n',
    '*1\r\n*0\r\ntrailing',
    '*1\r\n*-1\r\n',
    '*1\r\n*1\r\n$-1\r\n',
    '*-1\r\n',
    '+OK\r\n',
    '$1\r\nk\r\n',
  ]) {
    it(`${JSON.stringify(payload)} ends with an error`, async () => {
      server.answer = ({ respond }) => respond(payload);
      await assert.rejects(store.keys('*').next(), { code: 'BAD_RESPONSE', applied: 'no' });
    });
  }

  it('passes over empty pages and sends the token of any bytes', async () => {
    const token = Buffer.from([0, 0xff, 0x0d, 0x0a]);
    const tokens: (string | undefined)[] = [];
    server.answer = ({ respond, command }) => {
      if (command.verb !== 'SCAN') return;
      tokens.push(command.token && Buffer.from(command.token).toString('hex'));
      if (tokens.length < 3)
        respond(Buffer.concat([Buffer.from('*2\r\n*0\r\n$4\r\n'), token, Buffer.from('\r\n')]));
      else respond('*1\r\n*1\r\n$1\r\nk\r\n');
    };
    const keys: string[] = [];
    for await (const key of store.keys('*')) keys.push(String(key));
    assert.deepEqual(keys, ['k']);
    assert.deepEqual(tokens, [undefined, '00ff0d0a', '00ff0d0a']);
  });
});
