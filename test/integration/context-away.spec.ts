/** Context stores whose store is away, refuses, or comes back without its memory. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { keys, logLines, openStore, type Store, set, until } from '../support/context';
import { FaultProxy } from '../support/fault-proxy';
import { startScriptedStore } from '../support/scripted-store';

describe('A context store whose store is away', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let witness: StateStoreClient;
  let log: ReturnType<typeof logLines>;
  const opened: Store[] = [];
  const open = async (...parameters: Parameters<typeof openStore>) => {
    const store = await openStore(...parameters);
    opened.push(store);
    return store;
  };
  const stored = async (key: string): Promise<unknown> => {
    const reading = await witness.get(`nodered/${key}`);
    return reading.found ? JSON.parse(reading.value.toString()) : undefined;
  };
  const told = (wording: RegExp) => log.all.filter((line) => wording.test(line)).length;
  const cutOff = async () => {
    const before = told(/disconnected from the store/);
    proxy.refusing = true;
    proxy.cut();
    await until(() => told(/disconnected from the store/) > before);
  };
  const restartEmpty = async () => {
    const { port } = emulator;
    await emulator.close();
    emulator = await Emulator.start({ port });
  };

  beforeEach(async () => {
    log = logLines();
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    witness = new StateStoreClient({ port: emulator.port });
  });
  afterEach(async () => {
    proxy.heal();
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await witness.close();
    await proxy.close();
    await emulator.close();
    log.stop();
  });

  it('fails each set about when its own time is over', async () => {
    const store = await open(proxy.port, { timeout: 1000 });
    await cutOff();
    const times: { asked: number; failed: number }[] = [];
    for (let n = 0; n < 8; n++) {
      const asked = performance.now();
      store.set('global', `k${n}`, n, () => times.push({ asked, failed: performance.now() }));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await until(() => times.length === 8);
    const [, second] = times;
    const last = times.at(-1);
    // They do not fail together when the last one's time is over.
    assert.ok(second && last);
    assert.ok(last.failed - second.failed > (last.asked - second.asked) / 3, JSON.stringify(times));
  });

  it('sends nothing that can no longer be answered in time, so that the connection stays', async () => {
    const store = await open(proxy.port, { timeout: 500 });
    await set(store, 'global', 'x', 1);
    // Nothing is answered within a millisecond.
    proxy.delay = 20;
    const connections = proxy.accepted;
    const outcome = set(store, 'global', 'fresh', 1);
    // A flow that computes for longer than a set may take.
    for (const end = performance.now() + 700; performance.now() < end; );
    await assert.rejects(outcome, { code: 'TIMEOUT' });
    await set(store, 'global', 'x', 2);
    assert.deepEqual([await stored('global/x'), proxy.accepted], [2, connections]);
  });

  it('observes with the next connection what the store did not let it observe on', async () => {
    const store = await open(proxy.port, { clientId: 'cached' });
    const other = await open(emulator.port);
    await set(other, 'global', 'x', 1);
    await until(() => store.get('global', 'x') === 1);
    emulator.engine.authorize = (id, access) => id !== 'cached' || access === 'Write';
    proxy.cut();
    for (const key of ['$scopes', '$index/global', 'global/x'])
      await until(() => log.all.some((line) => line.includes(`nodered/${key} is no longer observed`)));
    emulator.engine.authorize = () => true;
    await set(other, 'global', ['x', 'y'], [2, 3]);
    proxy.cut();
    await until(() => store.get('global', 'x') === 2 && store.get('global', 'y') === 3);
    await set(other, 'global', ['x', 'z'], [4, 5]);
    await until(() => store.get('global', 'x') === 4 && store.get('global', 'z') === 5);
  });

  it('that restarts empty gets its values again, except values that were reported as not written', async () => {
    const store = await open(proxy.port, { timeout: 500 });
    await set(store, 'global', 'x', { n: 1 });
    await cutOff();
    await assert.rejects(set(store, 'global', 'x', { n: 2 }), { code: 'NOT_CONNECTED' });
    await restartEmpty();
    proxy.heal();
    let found: unknown;
    while (found === undefined) found = await stored('global/x');
    assert.deepEqual([found, store.get('global', 'x')], [{ n: 1 }, { n: 1 }]);
  });

  it('writes no part later that was reported as not written', async () => {
    const store = await open(proxy.port, { timeout: 500 });
    await set(store, 'global', 'line', { a: 0 });
    await cutOff();
    await assert.rejects(set(store, 'global', 'line.a', 1), { code: 'NOT_CONNECTED' });
    const begun = set(store, 'global', 'line.b', 2);
    assert.deepEqual(store.get('global', 'line'), { a: 0, b: 2 });
    await assert.rejects(begun);
    proxy.heal();
    const again = (): Promise<void> => set(store, 'global', 'line.b', 2).catch(again);
    await again();
    assert.deepEqual(await stored('global/line'), { a: 0, b: 2 });
  });

  it('does not bring back what was deleted after the store had restarted empty', async () => {
    const store = await open(proxy.port);
    const other = await open(emulator.port);
    await restartEmpty();
    await set(store, 'global', 'x', 1);
    await until(() => other.get('global', 'x') === 1);
    await cutOff();
    await set(other, 'global', 'x', undefined);
    proxy.heal();
    await until(() => store.get('global', 'x') === undefined);
    assert.equal(await stored('global/x'), undefined);
  });

  it('waits at the start for a clock that is set right', async () => {
    const { engine } = emulator;
    const execute = engine.execute.bind(engine);
    let refused = 0;
    // The clock of the store is an hour behind that of this machine until the third request.
    engine.execute = (request, now, ...more) => {
      const output = execute(request, refused < 3 ? now - 3_600_000 : now, ...more);
      if (/too far in the future/.test(output.response.payload.toString())) refused++;
      return output;
    };
    const store = await open(emulator.port);
    assert.equal(refused, 3);
    await set(store, 'global', 'x', 1);
  });

  it('that takes too long at the start ends the start in time', async () => {
    const scripted = await startScriptedStore();
    scripted.answer = () => undefined;
    await assert.rejects(openStore(scripted.port, { startTimeout: 500, timeout: 60_000 }), {
      code: 'TIMEOUT',
      message: /could not be loaded within the startTimeout of 500 ms/,
    });
    await scripted.close();
  });

  describe('without cache', () => {
    it('keeps no flow waiting while scopes are cleaned', async () => {
      const store = await open(proxy.port, { cache: false, timeout: 20_000 });
      await set(store, 'flow', 'x', 1);
      await cutOff();
      await store.clean([]);
      assert.equal(proxy.refusing, true);
      proxy.heal();
      while ((await stored('flow/x')) !== undefined);
    });

    it('fails sets of one scope each in its own time', async () => {
      const store = await open(proxy.port, { cache: false, timeout: 500 });
      await cutOff();
      const begin = performance.now();
      const calls = Array.from({ length: 8 }, (_none, n) => set(store, 'global', `k${n}`, n));
      for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
      const took = performance.now() - begin;
      assert.ok(took < 4 * 500, `${took} ms`);
    });

    it('keeps no name of what could not be set', async () => {
      const store = await open(emulator.port, { cache: false, clientId: 'direct' });
      emulator.engine.authorize = (id, access, key) =>
        id !== 'direct' || access === 'Read' || key.toString() !== 'nodered/global/x';
      await assert.rejects(set(store, 'global', 'x', 1), { code: 'NOT_AUTHORIZED' });
      while (((await keys(store, 'global')) as string[]).length > 0);
    });
  });
});
