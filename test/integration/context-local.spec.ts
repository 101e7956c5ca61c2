/** Context keys that stay in one process, and objects that are kept in parts. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { get, keys, logLines, openStore, type Store, set, until } from '../support/context';

describe('Context keys with a place of their own', () => {
  let emulator: Emulator;
  let log: ReturnType<typeof logLines>;
  const opened: Store[] = [];
  const open = async (options: Parameters<typeof openStore>[1] = {}) => {
    const store = await openStore(emulator.port, options);
    opened.push(store);
    return store;
  };
  /** All keys of the store that hold values of the scope. */
  const stored = async () => {
    const client = new StateStoreClient({ port: emulator.port });
    const found: string[] = [];
    for await (const key of client.keys('nodered/global/*')) found.push(`${key}`);
    await client.close();
    return found.sort();
  };

  beforeEach(async () => {
    log = logLines();
    emulator = await Emulator.start({ port: 0 });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await emulator.close();
    log.stop();
  });

  for (const cache of [true, false]) {
    describe(`${cache ? 'with' : 'without'} cache`, () => {
      it('named in the option local stay in their process, with any value', async () => {
        const [a, b] = [await open({ cache, local: ['timers'] }), await open({ cache, local: ['timers'] })];
        const live = { on: () => 1 };
        await set(a, 'global', 'dashboardStore', live);
        await set(a, 'global', 'timers.one', 1);
        await set(a, 'global', ['timers.two', 'shared'], [2, 3]);
        await set(b, 'global', 'timers', 'of b');
        assert.equal(await get(a, 'global', 'dashboardStore'), live);
        assert.deepEqual(await get(a, 'global', ['timers', 'shared']), [{ one: 1, two: 2 }, 3]);
        assert.equal(await get(b, 'global', 'timers'), 'of b');
        assert.deepEqual([...((await keys(a, 'global')) as string[])].sort(), [
          ...['dashboardStore', 'shared', 'timers'],
        ]);
        assert.deepEqual(await stored(), ['nodered/global/shared']);
        assert.deepEqual(
          log.all.filter((line) => /stays in this process/.test(line)),
          [],
        );
        await a.delete('global');
        assert.equal(await get(a, 'global', 'timers'), undefined);
      });

      it('with a live value stay in their process with one line in the log, until they hold data again', async () => {
        const [a, b] = [await open({ cache }), await open({ cache })];
        const live = { name: 'c', close: () => 1 };
        await set(a, 'global', 'client', live);
        await set(a, 'global', 'client', live);
        await set(a, 'global', 'client.name', 'd');
        assert.equal(await get(a, 'global', 'client'), live);
        assert.equal(live.name, 'd');
        assert.equal(await get(b, 'global', 'client'), undefined);
        const lines = log.all.filter((line) => /stays in this process/.test(line));
        assert.equal(lines.length, 1);
        assert.match(lines[0] as string, /global client stays .* because it has a function at close\./);
        await set(a, 'global', 'client', { name: 'data' });
        if (cache) await until(() => b.get('global', 'client.name') === 'data');
        assert.deepEqual(await get(b, 'global', 'client'), { name: 'data' });
      });
    });
  }

  it('with a live part keep what else they hold, and others keep what the store has', async () => {
    const [a, b] = [await open(), await open()];
    await set(a, 'global', 'line', { speed: 1 });
    await until(() => b.get('global', 'line.speed') === 1);
    await set(a, 'global', 'line.timer', () => 1);
    assert.equal(a.get('global', 'line.speed'), 1);
    await set(b, 'global', 'line', { speed: 2 });
    assert.equal(a.get('global', 'line.speed'), 1);
    assert.deepEqual(b.get('global', 'line'), { speed: 2 });
    await set(a, 'global', 'line', undefined);
    await until(() => b.get('global', 'line') === undefined);
  });

  it('keep different properties of two instances, if they are kept in parts', async () => {
    const parts = ['line'];
    const [a, b] = [await open({ parts }), await open({ parts })];
    const changed = { speed: 0, state: { on: false } };
    await set(a, 'global', 'line', changed);
    assert.equal(a.get('global', 'line'), changed);
    await until(() => b.get('global', 'line.state') !== undefined && b.get('global', 'line.speed') === 0);
    await Promise.all([set(a, 'global', 'line.speed', 5), set(b, 'global', 'line.state.on', true)]);
    for (const one of [a, b]) {
      await until(() => one.get('global', 'line.speed') === 5 && one.get('global', 'line.state.on'));
      assert.deepEqual(one.get('global', 'line'), { speed: 5, state: { on: true } });
      assert.deepEqual(one.keys('global'), ['line']);
    }
    assert.deepEqual(await stored(), ['nodered/global/line/speed', 'nodered/global/line/state']);
  });

  it('write only the properties that a flow changed in the whole object', async () => {
    const parts = ['line'];
    const [a, b] = [await open({ parts }), await open({ parts })];
    await set(a, 'global', 'line', { speed: 0, state: 'off', spare: 1 });
    await until(() => Object.keys(b.get('global', 'line') ?? {}).length === 3);
    const ofA = a.get('global', 'line') as Record<string, unknown>;
    const ofB = b.get('global', 'line') as Record<string, unknown>;
    ofA.speed = 5;
    delete ofA.spare;
    ofB.state = 'on';
    await Promise.all([set(a, 'global', 'line', ofA), set(b, 'global', 'line', ofB)]);
    const late = await open({ parts });
    for (const one of [a, b, late]) {
      await until(() => {
        const line = (one.get('global', 'line') ?? {}) as Record<string, unknown>;
        return line.speed === 5 && line.state === 'on' && !('spare' in line);
      });
    }
    await set(late, 'global', 'line', undefined);
    for (const one of [a, b]) await until(() => one.get('global', 'line') === undefined);
    assert.deepEqual(await stored(), []);
  });

  it('that were one key become parts at the next start', async () => {
    const before = await open();
    await set(before, 'global', 'line', { speed: 1, state: 'on' });
    await before.close();
    const a = await open({ parts: ['line'] });
    assert.deepEqual(a.get('global', 'line'), { speed: 1, state: 'on' });
    await a.close();
    assert.deepEqual(await stored(), ['nodered/global/line/speed', 'nodered/global/line/state']);
    const b = await open({ parts: ['line'] });
    assert.deepEqual(b.get('global', 'line'), { speed: 1, state: 'on' });
  });

  it('in parts hold an object without live values, and nothing else has the name of a part', async () => {
    const a = await open({ parts: ['line'] });
    assert.throws(() => a.set('global', 'line', 5), /line is kept in parts, so its value must be an object/);
    assert.throws(
      () => a.set('global', 'line.on', () => 1),
      /global line cannot be shared: it is a function/,
    );
    await set(a, 'global', 'line.speed', 1);
    assert.deepEqual(a.get('global', 'line'), { speed: 1 });
    await set(a, 'global', 'line.speed', undefined);
    assert.deepEqual(await stored(), []);
  });
});
