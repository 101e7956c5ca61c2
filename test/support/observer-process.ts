/** A program of its own that observes a key, to be stopped by a signal. Parameters: port, key. Says when it observes. */
import { StateStoreClient } from '../../src/index';

async function main(): Promise<void> {
  const [port, key] = process.argv.slice(2);
  const store = new StateStoreClient({ host: '127.0.0.1', port: Number(port) });
  await store.observe(key as string, () => undefined);
  process.on('disconnect', () => process.exit());
  process.send?.('observing');
}

void main();
