/** `client`: this package's StateStoreClient. */
import { StateStoreClient } from '../../src/index';
import type { Contender } from '../measure';
import { STORE_PORT, serve } from './serve';

async function connect(): Promise<Contender> {
  const store = new StateStoreClient({ host: '127.0.0.1', port: STORE_PORT });
  await store.connect();
  return {
    request(operation, key, value, done) {
      const answer =
        operation === 'SET'
          ? store.set(key, value).then(({ stored }) => stored)
          : store.get(key).then((got) => got.found && got.value.length === value.length);
      answer.then(done, () => done(false));
    },
  };
}

void connect().then(serve);
