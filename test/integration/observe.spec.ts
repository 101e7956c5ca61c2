import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Emulator } from '../../src/emulator/index';
import { type KeyChange, StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { rejectsWith } from '../support/assertions';
import { FaultProxy } from '../support/fault-proxy';
import { startScriptedStore } from '../support/scripted-store';

const text = (change: KeyChange) =>
  change.operation === 'set' ? `${change.key} = ${change.value}` : `${change.key} deleted`;

describe('Observing keys', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let observer: StateStoreClient;
  let writer: StateStoreClient;
  let changes: KeyChange[];
  let arrived: (() => void) | undefined;

  const handler = (change: KeyChange) => {
    changes.push(change);
    arrived?.();
  };
  const told = async (count: number) => {
    while (changes.length < count) {
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
    return changes.map(text);
  };
  const state = async (kind: string) => {
    while (observer.state.kind !== kind) await once(observer, 'state');
  };
  /** How many KEYNOTIFY requests the store got. */
  const notifies = () => {
    let count = 0;
    const execute = emulator.engine.execute.bind(emulator.engine);
    emulator.engine.execute = (request, ...times) => {
      if (request.payload.includes('KEYNOTIFY')) count++;
      return execute(request, ...times);
    };
    return () => count;
  };

  beforeEach(async () => {
    changes = [];
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    observer = new StateStoreClient({ host: '127.0.0.1', port: proxy.port });
    writer = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  });
  afterEach(async () => {
    await observer.close();
    await writer.close();
    await proxy.close();
    await emulator.close();
  });

  it('reports every set, delete and expiry with its version', async () => {
    await observer.observe('k', handler);
    const { version } = await writer.set('k', '1');
    await writer.set('other', 'x');
    await writer.delete('k');
    await writer.set('k', '2', { expiry: 50 });
    assert.deepEqual(await told(4), ['k = 1', 'k deleted', 'k = 2', 'k deleted']);
    assert.equal(changes[0]?.version, version);
  });

  it('reports the current value first if asked to', async () => {
    await writer.set('k', '1');
    await observer.observe('k', handler, { current: true });
    await observer.observe('missing', handler, { current: true });
    await writer.set('k', '2');
    assert.deepEqual(await told(2), ['k = 1', 'k = 2']);
  });

  it('sends KEYNOTIFY once for all observers of a key, and STOP with the last one', async () => {
    const count = notifies();
    const observations = await Promise.all([1, 2, 3].map(() => observer.observe('k', handler)));
    assert.equal(count(), 1);
    assert.equal(observer.observed, 1);
    await writer.set('k', '1');
    assert.equal((await told(3)).length, 3);
    await observations[0]?.close();
    await observations[1]?.close();
    assert.equal(count(), 1);
    await observations[2]?.close();
    await observations[2]?.close();
    assert.equal(count(), 2);
    await writer.set('k', '2');
    assert.equal((await observer.get('k')).found, true);
    assert.equal(changes.length, 3);
  });

  it('gives changes to for await, until it is closed', async () => {
    const observation = await observer.observe('k');
    await writer.set('k', '1');
    await writer.set('k', '2');
    const seen: string[] = [];
    for await (const change of observation) {
      seen.push(text(change));
      if (seen.length === 2) await observation.close();
    }
    assert.deepEqual(seen, ['k = 1', 'k = 2']);
  });

  it('takes the prefix off', async () => {
    const prefixed = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, keyPrefix: 'line1/' });
    await prefixed.observe('k', handler, { current: true });
    await writer.set('line1/k', '1');
    assert.deepEqual(await told(1), ['k = 1']);
    await prefixed.close();
  });

  it('observes any bytes, and refuses keys that are too long for a topic', async () => {
    const key = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await observer.observe(key, handler);
    await writer.set(key, 'v');
    await told(1);
    assert.deepEqual(changes[0]?.key, key);
    await observer.observe('x'.repeat(30_000), handler);
    await rejectsWith(observer.observe('x'.repeat(30_001), handler), {
      code: 'BAD_ARGUMENT',
      message: /30000 bytes/,
    });
    await rejectsWith(observer.observe('', handler), { code: 'BAD_ARGUMENT', message: /must not be empty/ });
  });

  it('reports only the change that was made during a lost connection', async () => {
    for (const key of ['same', 'changed', 'gone', 'set twice']) await writer.set(key, '1');
    for (const key of ['same', 'changed', 'gone', 'set twice', 'new', 'never'])
      await observer.observe(key, handler);
    proxy.refusing = true;
    proxy.cut();
    await state('disconnected');
    await writer.set('changed', '2');
    await writer.delete('gone');
    await writer.set('set twice', '2');
    await writer.set('set twice', '1');
    await writer.set('new', '1');
    proxy.heal();
    await state('connected');
    assert.deepEqual((await told(4)).sort(), ['changed = 2', 'gone deleted', 'new = 1', 'set twice = 1']);
    await writer.set('same', '2');
    assert.equal((await told(5)).at(-1), 'same = 2');
  });

  it('observes every key again when the queue is too small for all at once', async () => {
    const narrow = new StateStoreClient({
      host: '127.0.0.1',
      port: proxy.port,
      inFlightLimit: 1,
      queueLimit: 2,
    });
    const keys = Array.from({ length: 8 }, (_, i) => `key/${i}`);
    for (const key of keys) await narrow.observe(key, handler);
    const lost = once(narrow, 'state');
    proxy.cut();
    await lost;
    for (const key of keys) await writer.set(key, '1');
    assert.deepEqual(
      (await told(8)).sort(),
      keys.map((key) => `${key} = 1`),
    );
    await narrow.close();
  });

  it('fails for all who wait for the same key when the store does not answer', async () => {
    const silent = await startScriptedStore();
    silent.answer = () => undefined;
    const client = new StateStoreClient({ host: '127.0.0.1', port: silent.port, timeout: 200 });
    await client.connect();
    const calls = [1, 2].map(() => client.observe('k', handler));
    await Promise.all(calls.map((call) => rejectsWith(call, { code: 'TIMEOUT', operation: 'observe' })));
    assert.equal(client.observed, 0);
    await client.close();
    await silent.close();
  });

  it('goes on when a handler throws', async () => {
    const warned = once(process, 'warning');
    await observer.observe('k', () => {
      throw new Error('not my day');
    });
    await observer.observe('k', handler);
    await writer.set('k', '1');
    assert.deepEqual(await told(1), ['k = 1']);
    assert.match(String((await warned)[0]), /not my day/);
  });

  it('sees the last change of each of 1,000 keys, 20,000 changes and 20 cut connections later', async () => {
    const seen = new Map<string, { version: Hlc; value: string }>();
    const keys = Array.from({ length: 1000 }, (_, i) => `key/${i}`);
    let count = 0;
    const check = (change: KeyChange) => {
      count++;
      const key = change.key.toString();
      const version = parseHlc(change.version as string) as Hlc;
      const before = seen.get(key);
      assert.ok(
        !before || compareHlc(version, before.version) > 0,
        `${key}: no version twice, none going backwards`,
      );
      seen.set(key, { version, value: change.operation === 'set' ? change.value.toString() : '' });
    };
    await Promise.all(keys.map((key) => observer.observe(key, check)));
    const cuts = 20;
    for (let round = 0; round < cuts; round++) {
      const write = (from: number, to: number) =>
        Promise.all(keys.slice(from, to).map((key, i) => writer.set(key, `${round}/${from + i}`)));
      await Promise.all([write(0, 500), pause(1000)]);
      proxy.cut();
      await write(500, 1000);
      await state('connected');
    }
    const last = new Map(await Promise.all(keys.map(async (key) => [key, await writer.get(key)] as const)));
    const complete = () =>
      keys.every((key) => {
        const stored = last.get(key);
        const version = seen.get(key)?.version;
        return (
          stored?.found && version && compareHlc(version, parseHlc(stored.version as string) as Hlc) === 0
        );
      });
    while (!complete()) await new Promise((resolve) => setImmediate(resolve));
    for (const [key, stored] of last)
      assert.equal(seen.get(key)?.value, stored.found && stored.value.toString());
    console.log(`        20000 changes, ${count} told, ${proxy.accepted} connections`);
  });
});
