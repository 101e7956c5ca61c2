/** Several context stores with shared values, each behind a proxy that can be disturbed, like Node-RED instances on several computers. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { get, keys, logLines, openStore, type Store, set, until } from '../support/context';
import { FaultProxy } from '../support/fault-proxy';
import { Random } from '../support/random';

/** What each store must have in the end. */
function agree(stores: Store[], scope: string, names: string[]): boolean {
  const seen = stores.map((store) => JSON.stringify(store.get(scope, names)));
  return seen.every((one) => one === seen[0]);
}

describe('Context stores that share a memory', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let a: Store;
  let b: Store;
  let log: ReturnType<typeof logLines>;
  const opened: Store[] = [];
  const open = async (...parameters: Parameters<typeof openStore>) => {
    const store = await openStore(...parameters);
    opened.push(store);
    return store;
  };

  beforeEach(async () => {
    log = logLines();
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    a = await open(proxy.port);
    b = await open(emulator.port);
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await proxy.close();
    await emulator.close();
    log.stop();
  });

  it('see what another one set, deleted, and set again', async () => {
    await set(a, 'global', 'x', { n: 1 });
    await until(() => (b.get('global', 'x.n') as number) === 1);
    assert.deepEqual(b.keys('global'), ['x']);
    await set(b, 'global', 'x.n', 2);
    await until(() => (a.get('global', 'x.n') as number) === 2);
    await set(a, 'global', 'x', undefined);
    await until(() => b.get('global', 'x') === undefined);
    assert.deepEqual(b.keys('global'), []);
    await set(b, 'global', 'x', 3);
    await until(() => a.get('global', 'x') === 3);
    await a.delete('global');
    await until(() => b.get('global', 'x') === undefined);
  });

  it('load what was there before, in every scope', async () => {
    for (const scope of ['global', 'flow', 'node:flow', 'odd/$scope%:flow']) await set(a, scope, 'x', scope);
    const late = await open(emulator.port);
    for (const scope of ['global', 'flow', 'node:flow', 'odd/$scope%:flow'])
      assert.equal(late.get(scope, 'x'), scope);
    const direct = await open(emulator.port, { cache: false });
    assert.equal(await get(direct, 'odd/$scope%:flow', 'x'), 'odd/$scope%:flow');
    assert.deepEqual(await keys(direct, 'flow'), ['x']);
  });

  it('keep apart what has another prefix', async () => {
    const other = await open(emulator.port, { prefix: 'other' });
    await set(a, 'global', 'x', 1);
    await set(other, 'global', 'x', 2);
    await until(() => b.get('global', 'x') === 1);
    assert.equal(a.get('global', 'x'), 1);
    assert.equal(other.get('global', 'x'), 2);
  });

  it('see large values, buffers and keys of any characters', async () => {
    const values: Record<string, unknown> = {
      ['__proto__']: 'own',
      toString: 1,
      "'a.b'": 'dots',
      "'a/b c'": 'slash and space',
      '"😀 é\'[0]"': 'emoji',
      [`'${'k'.repeat(6_500)}'`]: 'long',
      large: 'x'.repeat(1_000_000),
      buffer: Buffer.from([0, 255, 13, 10]),
      mixed: { deep: [Buffer.from('bytes')], type: 'Buffer' },
    };
    for (const [key, value] of Object.entries(values)) await set(a, 'global', key, value);
    for (const [key, value] of Object.entries(values)) {
      await until(() => b.get('global', key) !== undefined);
      assert.deepEqual(b.get('global', key), value);
    }
    const late = await open(emulator.port);
    assert.deepEqual([...(late.keys('global') ?? [])].sort(), [...(a.keys('global') ?? [])].sort());
    assert.equal(late.keys('global')?.length, Object.keys(values).length);
    assert.ok(Buffer.isBuffer(b.get('global', 'buffer')));
    assert.equal(({} as Record<string, unknown>).own, undefined);
  });

  it('refuse a key or a value that cannot be kept, and stay as they were', async () => {
    await set(a, 'global', 'x', 1);
    assert.throws(() => a.set('global', `'${'k'.repeat(30_000)}'`, 1), /30015 bytes, but the limit is 30000/);
    assert.throws(() => a.set('global', "'half \ud800'", 1), /an incomplete Unicode character/);
    assert.throws(() => a.set('global', 'x', 1n), /cannot be converted to JSON/);
    await assert.rejects(set(a, 'global', 'x', { deep: 1n }), /cannot be converted to JSON/);
    await until(() => a.get('global', 'x') === 1);
    assert.equal(b.get('global', 'x'), 1);
  });

  it('join what piles up to the latest value, and call every callback once', async () => {
    await set(a, 'global', 'n', 0);
    const versions: unknown[] = [];
    const witness = new StateStoreClient({ port: emulator.port });
    await witness.observe('nodered/global/n', (change) => {
      if (change.operation === 'set') versions.push(Number(change.value.toString()));
    });
    proxy.frozen = 'up';
    const outcomes = new Map<number, number>();
    const done = Array.from(
      { length: 5000 },
      (_none, n) =>
        new Promise<void>((resolve, reject) => {
          a.set('global', 'n', n + 1, (error) => {
            outcomes.set(n, (outcomes.get(n) ?? 0) + 1);
            if (error) reject(error);
            else resolve();
          });
        }),
    );
    assert.equal(a.get('global', 'n'), 5000);
    assert.equal(outcomes.size, 0);
    proxy.thaw();
    await Promise.all(done);
    assert.ok([...outcomes.values()].every((count) => count === 1));
    assert.equal((await witness.get('nodered/global/n')).found, true);
    await until(() => versions.at(-1) === 5000);
    assert.deepEqual(versions, [1, 5000]);
    await witness.close();
  });

  it('do not let what is older overwrite a write of their own that is under way', async () => {
    await set(a, 'global', ['x', 'y'], ['first', 0]);
    await set(b, 'global', ['x', 'y'], ['second', 0.5]);
    // From here on A observes both.
    await until(() => a.get('global', 'x') === 'second' && a.get('global', 'y') === 0.5);
    proxy.frozen = 'up';
    const mine = set(a, 'global', 'x', 'mine');
    await set(b, 'global', 'x', 'theirs');
    // What B wrote came to A when this did, which B set later.
    await set(b, 'global', 'y', 1);
    await until(() => a.get('global', 'y') === 1);
    assert.equal(a.get('global', 'x'), 'mine');
    proxy.thaw();
    await mine;
    await until(() => b.get('global', 'x') === 'mine');
    assert.equal(a.get('global', 'x'), 'mine');
  });

  it('let what is newer overwrite a write of their own that took effect before', async () => {
    await set(a, 'global', 'x', 'first');
    await until(() => b.get('global', 'x') === 'first');
    proxy.frozen = 'down';
    const mine = set(a, 'global', 'x', 'mine');
    await until(() => b.get('global', 'x') === 'mine');
    await set(b, 'global', 'x', 'theirs');
    assert.equal(a.get('global', 'x'), 'mine');
    proxy.thaw();
    await mine;
    await until(() => a.get('global', 'x') === 'theirs');
    assert.equal(b.get('global', 'x'), 'theirs');
  });

  it('keep a value that the callback of a set sets, after earlier writes of other instances', async () => {
    await set(a, 'global', 'x', 'first');
    await set(b, 'global', 'x', 'second');
    // From here on A observes it.
    await until(() => a.get('global', 'x') === 'second');
    let held = '';
    proxy.mangle = (direction, chunk) => {
      if (direction === 'down') held += chunk.toString('latin1');
      return chunk;
    };
    proxy.frozen = 'down';
    const seen: unknown[] = [];
    const second = new Promise<void>((resolve, reject) => {
      a.set('global', 'x', 'mine', () => {
        a.set('global', 'x', 'mine again', (error) => (error ? reject(error) : resolve()));
        // Still so when all that came together is dealt with.
        setImmediate(() => seen.push(a.get('global', 'x')));
      });
    });
    await until(() => b.get('global', 'x') === 'mine');
    await set(b, 'global', 'x', 'theirs');
    // The answer and both notifications come at once.
    await until(() => held.includes('theirs'));
    proxy.thaw();
    await second;
    assert.deepEqual(seen, ['mine again']);
    await until(() => b.get('global', 'x') === 'mine again');
    assert.equal(a.get('global', 'x'), 'mine again');
  });

  it('lose no key that both add at the same moment, and join what is added at once', async () => {
    const names = Array.from({ length: 1000 }, (_none, n) => `k${n}`);
    await Promise.all(names.map((name, n) => set(n % 2 ? a : b, 'global', name, n)));
    const late = await open(emulator.port);
    assert.deepEqual([...(late.keys('global') ?? [])].sort(), [...names].sort());
    await until(() => agree([a, b, late], 'global', names));
    assert.deepEqual(a.get('global', names), [...names.keys()]);
  });

  it('agree with the store and its index after both deleted and set the same keys at the same moment', async () => {
    const random = new Random(1, 'context');
    const names = Array.from({ length: 8 }, (_none, n) => `k${n}`);
    for (let round = 0; round < 60; round++) {
      const calls = names.flatMap((name) =>
        [a, b].map((store) => set(store, 'global', name, random.chance(0.5) ? undefined : round)),
      );
      if (random.chance(0.5)) await Promise.all(calls);
      else void Promise.all(calls);
    }
    await set(a, 'global', 'end', 1);
    await set(b, 'global', 'end', 2);
    const client = new StateStoreClient({ port: emulator.port });
    // What was deleted is taken out of the index a moment later.
    await until(() => agree([a, b], 'global', [...names, 'end']));
    const late = await open(emulator.port);
    await until(() => agree([a, b, late], 'global', [...names, 'end']));
    for (const name of names) {
      const reading = await client.get(`nodered/global/${name}`);
      assert.equal(
        reading.found ? JSON.parse(reading.value.toString()) : undefined,
        late.get('global', name),
      );
    }
    await client.close();
  });

  it('agree after cuts, with each other and with the store', async () => {
    const random = new Random(2, 'context');
    const other = await FaultProxy.start(() => emulator.port);
    const c = await open(other.port, { timeout: 1500 });
    const d = await open(proxy.port, { timeout: 1500 });
    const names = Array.from({ length: 50 }, (_none, n) => `k${n}`);
    const end = performance.now() + 5000;
    let outcomes = 0;
    let calls = 0;
    while (performance.now() < end) {
      for (const store of [c, d]) {
        const name = random.pick(names);
        calls++;
        store.set('global', name, random.chance(0.1) ? undefined : { n: calls }, () => {
          outcomes++;
        });
      }
      const fault = random.next();
      const one = random.pick([proxy, other]);
      if (fault < 0.02) one.cut();
      else if (fault < 0.03) one.reset();
      else if (fault < 0.04) one.halfOpen();
      else if (fault < 0.05) one.frozen = random.pick(['up', 'down']);
      else if (fault < 0.07) one.thaw();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    // The last fault is a cut. A half-open connection is found later: an idle one by the next ping only.
    for (const one of [proxy, other]) {
      one.heal();
      one.cut();
    }
    const healed = performance.now();
    await until(() => outcomes === calls);
    const client = new StateStoreClient({ port: emulator.port });
    for (;;) {
      const readings = await client.getMany(names.map((name) => `nodered/global/${name}`));
      const stored = readings.map((one) =>
        'found' in one && one.found ? JSON.parse(one.value.toString()) : undefined,
      );
      if (
        agree([a, b, c, d], 'global', names) &&
        JSON.stringify(stored) === JSON.stringify(c.get('global', names))
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const took = performance.now() - healed;
    console.log(`      all agree ${Math.round(took)} ms after the last cut`);
    assert.ok(took < 5000, `${took} ms`);
    const late = await open(emulator.port);
    assert.ok(agree([c, late], 'global', names), 'the index lacks a key');
    await client.close();
    await Promise.all([c.close(), d.close()]);
    await other.close();
  });

  it('bring back what a store lost that restarted empty, and nothing that was deleted before', async () => {
    await set(a, 'global', 'x', { n: 1 });
    await set(a, 'flow', 'y', 'kept');
    await set(a, 'global', 'gone', 1);
    await until(() => b.get('flow', 'y') === 'kept' && b.get('global', 'gone') === 1);
    await set(b, 'global', 'gone', undefined);
    await until(() => a.get('global', 'gone') === undefined);
    const { port } = emulator;
    await emulator.close();
    emulator = await Emulator.start({ port });
    const late = await open(emulator.port);
    await until(() => late.get('global', 'x.n') === 1 && late.get('flow', 'y') === 'kept');
    assert.deepEqual([a.get('global', 'x'), b.get('global', 'x')], [{ n: 1 }, { n: 1 }]);
    assert.equal(late.get('global', 'gone'), undefined);
    await set(late, 'global', 'x.n', 2);
    await until(() => a.get('global', 'x.n') === 2 && b.get('global', 'x.n') === 2);
  });

  it('take what another one deleted while they were cut off as deleted', async () => {
    await set(a, 'global', 'x', 1);
    await set(a, 'global', 'y', 1);
    await until(() => b.get('global', 'x') === 1 && b.get('global', 'y') === 1);
    proxy.refusing = true;
    proxy.cut();
    await set(b, 'global', 'x', undefined);
    proxy.heal();
    await until(() => a.get('global', 'x') === undefined);
    assert.deepEqual(a.keys('global'), ['y']);
    assert.equal(b.get('global', 'x'), undefined);
  });

  it('read on without a connection, fail writes as requests fail, and say once that it is lost and back', async () => {
    const c = await open(proxy.port, { timeout: 300 });
    await set(c, 'global', 'x', 1);
    proxy.refusing = true;
    proxy.cut();
    await until(() => log.all.filter((line) => /disconnected from the store/.test(line)).length === 2);
    assert.equal(c.get('global', 'x'), 1);
    c.set('global', 'untold', 1);
    await assert.rejects(set(c, 'global', 'x', 2), { code: 'NOT_CONNECTED' });
    // A set that was reported as failed is undone here, and never written later.
    assert.equal(c.get('global', 'x'), 1);
    await until(() => c.get('global', 'untold') === undefined);
    proxy.heal();
    const lost = log.all.filter((line) => /disconnected from the store/.test(line));
    // Of two stores behind this proxy.
    await until(() => log.all.filter((line) => /reconnected to the store after/.test(line)).length === 2);
    assert.equal(lost.length, 2);
    assert.ok(
      log.all.some((line) =>
        /not written: global untold\. These keys have the values of the store again\./.test(line),
      ),
    );
  });

  it('write no change later that was made in place and failed', async () => {
    const c = await open(proxy.port, { timeout: 300 });
    await set(c, 'global', 'o', { kept: 1 });
    await set(c, 'global', 'list', ['kept']);
    proxy.refusing = true;
    proxy.cut();
    await until(() => log.all.filter((line) => /disconnected from the store/.test(line)).length === 2);
    const change = async () => {
      const object = c.get('global', 'o') as Record<string, number>;
      object.failed = 2;
      const list = c.get('global', 'list') as string[];
      list.push('failed');
      await Promise.all([
        assert.rejects(set(c, 'global', 'o', object), { code: 'NOT_CONNECTED' }),
        assert.rejects(set(c, 'global', 'list', list), { code: 'NOT_CONNECTED' }),
      ]);
    };
    await change();
    await change();
    assert.deepEqual([c.get('global', 'o'), c.get('global', 'list')], [{ kept: 1 }, ['kept']]);
    proxy.heal();
    await until(() => log.all.filter((line) => /reconnected to the store after/.test(line)).length === 2);
    await set(c, 'global', 'o.later', 3);
    await until(() => b.get('global', 'o.later') === 3);
    assert.deepEqual([b.get('global', 'o'), b.get('global', 'list')], [{ kept: 1, later: 3 }, ['kept']]);
  });

  it('delete keys that do not exist without a trace', async () => {
    await set(a, 'global', 'real', 1);
    await until(() => b.get('global', 'real') === 1);
    const { engine } = emulator;
    const keysBefore = engine.size;
    const execute = engine.execute.bind(engine);
    let [deletes, others] = [0, 0];
    engine.execute = (request, ...more) => {
      const text = request.payload.toString('latin1');
      if (/^\*2\r\n\$3\r\nDEL/.test(text)) deletes++;
      // The observation of the key that was just set may begin only now.
      else if (/global\/msg|\$index/.test(text)) others++;
      return execute(request, ...more);
    };
    const names = Array.from({ length: 3000 }, (_, index) => `msg${index}`);
    await Promise.all(names.map((name) => set(a, 'global', name, undefined)));
    assert.deepEqual(
      [deletes, others, engine.size],
      [3000, 0, keysBefore],
      'nothing observed, nothing listed',
    );
    engine.execute = execute;
    // A name that was deleted before it existed is a key like any other.
    await set(b, 'global', 'msg7', 'new');
    await until(() => a.get('global', 'msg7') === 'new');
  });

  it('write what is pending when they are closed', async () => {
    const c = await open(emulator.port);
    for (let n = 0; n < 500; n++) c.set('global', `k${n}`, n);
    c.set('global', 'k0', 'last');
    await c.close();
    const late = await open(emulator.port);
    assert.equal(late.get('global', 'k0'), 'last');
    assert.equal(late.keys('global')?.length, 500);
    assert.throws(() => c.set('global', 'k0', 'later'), { code: 'CLOSED' });
  });

  it('say what could not be written when they are closed, within bounds', async () => {
    const c = await open(proxy.port);
    await set(c, 'global', 'x', 1);
    proxy.frozen = true;
    const outcomes: unknown[] = [];
    for (let n = 0; n < 12; n++) c.set('global', `k${n}`, n, (error) => outcomes.push(error));
    c.set('global', 'x', 2);
    const begin = performance.now();
    await c.close();
    assert.ok(performance.now() - begin < 15_000);
    assert.equal(outcomes.length, 12);
    assert.ok(outcomes.every(Boolean));
    assert.ok(
      log.all.some((line) => /not written, because Node-RED ends: .*global k0, .* and 3 more/.test(line)),
      log.all.join('\n'),
    );
    for (const key of ['global x', 'global k0', 'global k11'])
      assert.ok(
        log.all.filter((line) => line.includes(`${key} `) || line.includes(`${key},`)).length <= 1,
        key,
      );
  });

  it('survive a callback that throws', async () => {
    a.set('global', 'x', 1, () => {
      throw new Error('of the flow');
    });
    await until(() => log.all.some((line) => /a callback threw: of the flow/.test(line)));
    assert.equal(b.get('global', 'x'), 1);
  });

  it('clean nothing that is of others', async () => {
    await set(a, 'flowA', 'x', 1);
    await set(b, 'flowB', 'x', 1);
    await until(() => b.get('flowA', 'x') === 1 && a.get('flowB', 'x') === 1);
    await a.clean(['flowA', 'nodeA']);
    await b.clean(['flowB', 'nodeB']);
    const late = await open(emulator.port);
    assert.deepEqual([late.get('flowA', 'x'), late.get('flowB', 'x')], [1, 1]);
    await late.clean([]);
    await b.clean([]);
    await until(() => a.get('flowB', 'x') === undefined);
    assert.equal(a.get('flowA', 'x'), 1);
    // It was active here before.
    await late.clean(['flowA']);
    await late.clean([]);
    await until(() => a.get('flowA', 'x') === undefined);
  });

  it('keep text that another program set as text', async () => {
    await set(a, 'global', 'x', 1);
    const client = new StateStoreClient({ port: emulator.port });
    await client.set('nodered/global/x', '{"by":"hand"}');
    await until(() => (a.get('global', 'x') as { by?: string }).by === 'hand');
    await client.set('nodered/global/x', 'no JSON');
    await until(() => a.get('global', 'x') === 'no JSON');
    await client.close();
  });
});
