/** A client that locates its broker before each attempt to connect. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator } from '../../src/emulator/index';
import { ConnectionError, StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';

describe('A client with locate', () => {
  it('connects to the returned address, and to another one later', async () => {
    const first = await Emulator.start({ port: 0 });
    const second = await Emulator.start({ port: 0 });
    let { port } = first;
    const store = new StateStoreClient({ port: 1, locate: async () => ({ host: '127.0.0.1', port }) });
    await store.set('k', 'first');
    ({ port } = second);
    const lost = once(store, 'state');
    await first.close();
    await lost;
    await store.set('k', 'second');
    assert.equal(second.keys, 1);
    await store.close();
    await second.close();
  });

  it('fails with the returned reason', async () => {
    const store = new StateStoreClient({
      ...{
        timeout: 500,
        locate: () => Promise.reject(new ConnectionError('noAnswer', 'Nobody knows where it is', '')),
      },
    });
    await rejectsWith(store.get('k'), { code: 'NOT_CONNECTED', message: /^Nobody knows where it is/ });
    await store.close();
  });

  it('has failed, also where that is any error', async () => {
    const store = new StateStoreClient({ timeout: 500, locate: () => Promise.reject(new Error('no map')) });
    await rejectsWith(store.get('k'), { code: 'NOT_CONNECTED', message: /no map/ });
    await store.close();
  });
});
