/** Two context stores whose broker loses its memory while one of them is cut off. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { logLines, openStore, type Store, set, until } from '../support/context';
import { FaultProxy } from '../support/fault-proxy';

describe('After the broker lost its memory, context stores', () => {
  let emulator: Emulator;
  let proxies: Record<'a' | 'b', FaultProxy>;
  let stores: Record<'a' | 'b', Store>;
  let witness: StateStoreClient;
  let log: ReturnType<typeof logLines>;

  beforeEach(async () => {
    log = logLines();
    emulator = await Emulator.start({ port: 0 });
    const proxy = () => FaultProxy.start(() => emulator.port);
    proxies = { a: await proxy(), b: await proxy() };
    stores = { a: await openStore(proxies.a.port), b: await openStore(proxies.b.port) };
    witness = new StateStoreClient({ port: emulator.port });
  });
  afterEach(async () => {
    for (const proxy of Object.values(proxies)) proxy.heal();
    await Promise.all(Object.values(stores).map((store) => store.close()));
    await witness.close();
    await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
    await emulator.close();
    log.stop();
  });

  const count = (wording: RegExp) => log.all.filter((line) => wording.test(line)).length;
  const cutOff = async (name: 'a' | 'b') => {
    const before = count(/disconnected from the store/);
    proxies[name].refusing = true;
    proxies[name].cut();
    await until(() => count(/disconnected from the store/) > before);
  };
  const restartEmpty = async () => {
    const { port } = emulator;
    await emulator.close();
    emulator = await Emulator.start({ port });
  };
  const stored = async (name: string): Promise<unknown> => {
    const reading = await witness.get(`nodered/global/${name}`);
    return reading.found ? JSON.parse(reading.value.toString()) : undefined;
  };
  const everywhere = async (name: string) => [
    stores.a.get('global', name),
    stores.b.get('global', name),
    await stored(name),
  ];
  /** Resolves when both stores and the broker have this value, and the names of exactly these keys. */
  const agree = async (name: string, value: unknown, keys: string[]) => {
    for (;;) {
      const all = await everywhere(name);
      const names = [stores.a, stores.b].map((store) => [...(store.keys('global') ?? [])].sort().join());
      if (all.every((one) => one === value) && names.every((one) => one === keys.join())) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  for (const [first, second] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const)
    describe(`of which ${first === 'a' ? 'the instance with the news' : 'the instance that was cut off'} is back first`, () => {
      beforeEach(async () => {
        await set(stores.a, 'global', 'gone', 1);
        await set(stores.a, 'global', 'val', 'old');
        await set(stores.a, 'global', 'kept', 1);
        await until(() => stores.b.get('global', 'kept') === 1 && stores.b.get('global', 'val') === 'old');
        await cutOff('b');
      });

      it('restore the newest value, and no key that was deleted', async () => {
        await set(stores.a, 'global', 'gone', undefined);
        await set(stores.a, 'global', 'val', 'new');
        await cutOff('a');
        await restartEmpty();
        proxies[first].heal();
        await until(
          () => stores[first].get('global', 'kept') === 1 && count(/reconnected to the store/) === 1,
        );
        while ((await stored('kept')) !== 1);
        proxies[second].heal();
        await agree('val', 'new', ['kept', 'val']);
        await agree('gone', undefined, ['kept', 'val']);
      });
    });

  it('do not restore a value over one that was set since, and no key that was deleted since', async () => {
    await set(stores.a, 'global', 'x', 'before');
    await set(stores.a, 'global', 'y', 'before');
    await until(() => stores.b.get('global', 'y') === 'before');
    await cutOff('b');
    await set(stores.a, 'global', 'x', 'newer');
    await cutOff('a');
    await restartEmpty();
    proxies.a.heal();
    while ((await stored('x')) !== 'newer' || (await stored('y')) !== 'before');
    await set(stores.a, 'global', 'x', 'since');
    await set(stores.a, 'global', 'y', undefined);
    proxies.b.heal();
    await agree('x', 'since', ['x']);
    assert.deepEqual(await everywhere('y'), [undefined, undefined, undefined]);
  });
});
