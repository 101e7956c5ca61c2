/** What updates promise when a write outlives the lock it was made under. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { SHORTEST_LEASE_MS } from '../../src/coordination/durations';
import { update } from '../../src/coordination/update';
import { Emulator } from '../../src/emulator';
import { StateStoreClient, StateStoreError } from '../../src/index';
import { FaultProxy } from '../support/fault-proxy';

const plusOne = (value: Buffer | undefined) => String(Number(value ?? 0) + 1);

describe('A write that outlives its lock', () => {
  let emulator: Emulator;
  /** Writes under a lock that it held before. */
  let late: StateStoreClient;
  let near: StateStoreClient;
  let clients: StateStoreClient[];

  const client = (port = emulator.port) => {
    const one = new StateStoreClient({ host: '127.0.0.1', port });
    clients.push(one);
    return one;
  };
  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    clients = [];
    [late, near] = [client(), client()];
  });
  afterEach(async () => {
    await Promise.all(clients.map((one) => one.close()));
    await emulator.close();
  });

  const stored = async (key: string) => {
    const got = await near.get(key);
    return got.found ? got.value.toString() : undefined;
  };
  /** The token of a holder that ends without a release, as soon as others may acquire the lock. */
  const oldToken = async (key: string) => {
    const options = { condition: 'NEX', expiry: SHORTEST_LEASE_MS } as const;
    const { version } = await late.set(`${key}/lock`, 'late', options);
    return { fencingToken: version as string };
  };

  for (const [state, before, total] of [
    ['exists', 1, '3'],
    ['is missing', 0, '2'],
  ] as const) {
    it(`loses no change if it arrives while the next holder changes a key that ${state}`, async () => {
      for (let i = 0; i < before; i++) await update(near, 'n', plusOne);
      const token = await oldToken('n');
      let calls = 0;
      const result = await update(near, 'n', async (value) => {
        if (calls++ === 0) await late.set('n', String(before + 1), token);
        return plusOne(value);
      });
      assert.deepEqual([String(result.before), await stored('n')], [String(before + 1), total]);
      assert.equal(calls, 2, 'the change is made again from the value that arrived');
    });
  }

  it('is not deleted unseen if it arrives while the next holder deletes the key', async () => {
    await update(near, 'list', () => 'a');
    const token = await oldToken('list');
    let calls = 0;
    const taken = await update(near, 'list', async () => {
      if (calls++ === 0) await late.set('list', 'a,b', token);
      return undefined;
    });
    assert.deepEqual([String(taken.before), await stored('list')], ['a,b', undefined]);
  });

  it('is refused if it arrives after the next holder has claimed the key', async () => {
    await update(near, 'n', plusOne);
    const token = await oldToken('n');
    await update(near, 'n', plusOne);
    await assert.rejects(late.set('n', '2', token), { code: 'FENCING_TOKEN_LOWER_VERSION' });
    assert.equal(await stored('n'), '2');
  });

  it('is not overwritten by what the same client made from the value before it', async () => {
    const token = await oldToken('n');
    const results = await Promise.all(
      [0, 1, 2].map((i) =>
        update(near, 'n', async (value) => {
          if (i === 0 && value === undefined) await late.set('n', '10', token);
          return plusOne(value);
        }),
      ),
    );
    assert.deepEqual(
      [...results.map(({ value }) => String(value)), await stored('n')],
      ['11', '12', '13', '13'],
    );
  });

  it('has the version of a later write that contains it, if its own response is lost', async () => {
    const losing = client();
    const set = losing.set.bind(losing);
    losing.set = async (key, value, options) => {
      const result = await set(key, value, options);
      if (`${value}` === '2') throw new StateStoreError('TIMEOUT', 'The response is lost');
      return result;
    };
    await near.set('n', '0');
    const results = await Promise.all([1, 2, 3].map(() => update(losing, 'n', plusOne)));
    assert.deepEqual(
      results.map(({ value }) => String(value)),
      ['1', '2', '3'],
    );
    const [, second, third] = results;
    assert.ok(third?.version);
    assert.equal(second?.version, third.version);
  });

  it('ends with its lock, and is never reported as applied or as not applied', async () => {
    const proxy = await FaultProxy.start(() => emulator.port);
    const far = client(proxy.port);
    await far.connect();
    const stuck = update(
      far,
      'n',
      () => {
        proxy.frozen = 'up';
        return 'stuck';
      },
      { duration: 500, timeout: 20_000 },
    ).catch((error: StateStoreError) => error);
    const began = performance.now();
    const { code, applied } = (await stuck) as StateStoreError;
    assert.deepEqual([code, applied], ['OUTCOME_UNKNOWN', 'unknown']);
    assert.ok(performance.now() - began < 5000, 'long before its own time is over');
    assert.equal(String((await update(near, 'n', plusOne)).value), '1');
    await proxy.close();
  });
});

describe('Updates of a client that is far from the store', () => {
  it('are made many at a time, also if one request takes longer than a turn', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const proxy = await FaultProxy.start(() => emulator.port);
    proxy.delay = 150;
    const far = new StateStoreClient({ host: '127.0.0.1', port: proxy.port });
    const near = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    try {
      await far.set('n', '0');
      let releases = 0;
      await near.observe('n/lock', ({ operation }) => {
        if (operation === 'delete') releases++;
      });
      await Promise.all(
        Array.from({ length: 100 }, () => update(far, 'n', plusOne, { timeout: 10_000, duration: 10_000 })),
      );
      const got = await far.get('n');
      assert.equal(got.found && got.value.toString(), '100');
      assert.ok(releases <= 2, `${releases} turns`);
    } finally {
      await Promise.all([far.close(), near.close()]);
      await proxy.close();
      await emulator.close();
    }
  });
});

describe('The expiry of an updated key', () => {
  let emulator: Emulator;
  let store: StateStoreClient;
  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    await store.close();
    await emulator.close();
  });
  const expires = () => emulator.engine.expiryOf(Buffer.from('state'));

  it('starts again with each update, also with one that leaves the value as it is', async () => {
    const on = () => update(store, 'state', () => 'on', { expiry: 60_000 });
    assert.equal((await on()).updated, true);
    const first = expires() as number;
    await pause(5);
    const again = await on();
    assert.deepEqual([again.updated, String(again.value)], [false, 'on']);
    assert.ok((expires() as number) > first, 'it expires later');
  });

  it('stays as it is if an update without expiry leaves the value as it is', async () => {
    await update(store, 'state', () => 'on', { expiry: 60_000 });
    const first = expires();
    await update(store, 'state', (value) => value);
    assert.equal(expires(), first);
  });
});
