/** Programs without a type checker: a wrong argument ends the call with `BAD_ARGUMENT`, never in a TypeError, a wait or the end of the process. */
import assert from 'node:assert/strict';
import { Election, Lock, update } from '../../src/coordination/index';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';

type Loose = (...parameters: unknown[]) => Promise<unknown>;

describe('A wrong argument', () => {
  let emulator: Emulator;
  let store: StateStoreClient;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    store = new StateStoreClient({ port: emulator.port });
    await store.connect();
  });
  after(async () => {
    await store.close();
    await emulator.close();
  });

  for (const [title, options, message] of [
    ['null', null, /^options must be an object, not null/],
    ['an endless timeout', { timeout: Number.POSITIVE_INFINITY }, /^timeout must be a whole number/],
    ['a signal that is none', { signal: {} }, /^signal must be an AbortSignal/],
    ['an unknown name', { timeuot: 5 }, /^timeuot is not a known option/],
  ] as [string, unknown, RegExp][]) {
    it(`among the options of a lock, an update or a list of keys is refused by name: ${title}`, async () => {
      const lock = new Lock(store, 'lock');
      const acquire: Loose = (given) => lock.acquire(given as never);
      const change: Loose = (given) => update(store, 'k', () => 'v', given as never);
      const list: Loose = async (given) => {
        for await (const _key of store.keys('*', given as never));
      };
      for (const call of [acquire, change, list])
        await rejectsWith(call(options), { code: 'BAD_ARGUMENT', message });
      assert.equal(lock.waiting, 0);
    });
  }

  for (const options of [null, 5, { duratoin: 1000 }, { duration: 10n }, { duration: Number.NaN }]) {
    const title = options && typeof options === 'object' ? Object.keys(options)[0] : options;
    it(`to the constructor of a lock or an election is refused: ${title}`, () => {
      const wrong = { code: 'BAD_ARGUMENT' };
      assert.throws(() => new Lock(store, 'lock', options as never), wrong);
      assert.throws(() => new Election(store, 'role', options as never), wrong);
    });
  }

  it('in place of the change of an update, or of what it returns, is refused', async () => {
    await rejectsWith(update(store, 'k', 'v' as never), {
      code: 'BAD_ARGUMENT',
      message: /^change must be a function/,
    });
    for (const value of [null, 5, {}])
      await rejectsWith(
        update(store, 'k', () => value as never),
        {
          code: 'BAD_ARGUMENT',
          message: /^the new value must be a string or bytes/,
        },
      );
  });

  it('in place of a pair is refused', async () => {
    for (const entries of [[1], [null], ['kv'], [undefined]])
      await rejectsWith(store.setMany(entries as never), {
        code: 'BAD_ARGUMENT',
        message: /^entries must be pairs of a key and a value/,
      });
  });
});

describe('Closing a client', () => {
  it('ends it although work that was registered throws', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const store = new StateStoreClient({ port: emulator.port });
    await store.connect();
    let done = false;
    store.beforeClose(() => {
      throw new Error('no');
    });
    store.beforeClose(async () => {
      done = true;
    });
    await store.close();
    assert.equal(done, true);
    assert.equal(store.state.kind, 'closed');
    await emulator.close();
  });
});
