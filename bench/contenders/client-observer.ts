/** `client`: this package's StateStoreClient observes keys. */
import { StateStoreClient } from '../../src/index';
import { Counter, observedKeys } from './counter';
import { STORE_PORT } from './serve';

async function main(): Promise<void> {
  const [name = '', keys] = process.argv.slice(3);
  const counter = new Counter();
  const store = new StateStoreClient({ host: '127.0.0.1', port: STORE_PORT });
  await Promise.all(
    observedKeys(name, Number(keys)).map((key) =>
      store.observe(key, (change) => counter.seen(change.operation === 'set' ? change.value : '')),
    ),
  );
  counter.serve();
}

void main();
