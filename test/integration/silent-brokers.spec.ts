/** A connection is given up when its broker is silent, and not because a caller is impatient. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/broker';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { FaultProxy } from '../support/fault-proxy';

describe('A connection', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let store: StateStoreClient;
  let connections: number;

  const start = async (options: StateStoreClientOptions = {}) => {
    store = new StateStoreClient({ host: '127.0.0.1', port: proxy.port, keepAlive: 0, ...options });
    await store.connect();
  };

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    connections = 0;
    proxy.on('open', () => {
      connections++;
    });
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await emulator.close();
  });

  for (const way of ['a signal', 'a timeout'] as const) {
    it(`whose broker is silent is given up although ${way} ended all requests, and their places are free again`, async () => {
      await start({ inFlightLimit: 4 });
      proxy.drop = 'up';
      const options = () => (way === 'a signal' ? { signal: AbortSignal.timeout(200) } : { timeout: 200 });
      await Promise.allSettled(Array.from({ length: 4 }, () => store.get('k', options())));
      await rejectsWith(store.get('k', { timeout: 2500 }), {
        code: 'TIMEOUT',
        applied: 'no',
        message: /^The broker has sent nothing for [23] s, and 4 requests are in flight: key k was not read/,
      });
      proxy.drop = undefined;
      const [state] = await once(store, 'state');
      assert.match(
        state.reason.message,
        /closed by this client: the broker has sent nothing for \d s, with 4 requests not ack/,
      );
      assert.deepEqual(await store.get('k'), { found: false });
      assert.equal(connections, 2);
    }).timeout(20_000);
  }

  it('whose broker is silent is given up at the timeout of a write, so that the write is not applied later', async () => {
    await start();
    await store.set('k', 'before');
    proxy.frozen = true;
    const ended = once(store, 'state');
    const closed = once(proxy, 'close');
    await rejectsWith(store.set('k', 'late', { timeout: 1500 }), { code: 'TIMEOUT', applied: 'unknown' });
    const [state] = await ended;
    assert.match(
      state.reason.message,
      /closed by this client: the broker has sent nothing for 2 s, with 1 request not ack/,
    );
    await closed;
    proxy.thaw();
    const result = await store.get('k');
    assert.equal(result.found && result.value.toString(), 'before');
    assert.equal(connections, 2);
  });

  it('stays when the timeout of a read passes, or that of a write is short', async () => {
    await start();
    await store.set('k', 'before');
    proxy.frozen = true;
    await Promise.all([
      rejectsWith(store.get('k', { timeout: 1500 }), { code: 'TIMEOUT' }),
      rejectsWith(store.set('k', 'v', { timeout: 800 }), { code: 'TIMEOUT' }),
    ]);
    proxy.thaw();
    await store.get('k');
    assert.equal(connections, 1);
  });

  it('stays when one caller has less patience than a round trip takes', async () => {
    await start();
    proxy.delay = 60;
    for (let i = 0; i < 5; i++) {
      const impatient = rejectsWith(store.get('x', { timeout: 50 }), { code: 'TIMEOUT' });
      assert.equal((await store.set('k', String(i))).stored, true);
      await impatient;
    }
    assert.equal(connections, 1);
  });

  it('stays while this process itself is paused', async () => {
    await start();
    const call = store.get('k');
    const end = performance.now() + 7000;
    while (performance.now() < end);
    assert.deepEqual(await call, { found: false });
    assert.equal(connections, 1);
  }).timeout(20_000);
});

describe('Aborting', () => {
  /** CPU time that aborting so many waiting requests takes, in microseconds. */
  const cost = async (count: number) => {
    const store = new StateStoreClient({ port: 1 });
    const aborts = Array.from({ length: count }, () => new AbortController());
    const calls = Promise.allSettled(aborts.map(({ signal }) => store.get('k', { signal })));
    const begin = process.cpuUsage();
    for (const abort of aborts) abort.abort();
    await calls;
    const { user, system } = process.cpuUsage(begin);
    assert.equal(store.waiting, 0);
    await store.close();
    return user + system;
  };

  it('ten times as many waiting requests costs about ten times as much, and not a hundred times', async () => {
    await cost(1000);
    const [few, many] = [await cost(1000), await cost(10_000)];
    assert.ok(many / few < 40, `${Math.round(many / few)} times as much`);
  });
});
