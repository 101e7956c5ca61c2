/** Many instances in one process: each is a client that observes the same keys. */
import { StateStoreClient } from '../../src/index';
import { STORE_PORT } from './serve';

/** Waits until so many changes have arrived in all. */
export interface AwaitChanges {
  changes: number;
}

const [instances = 0, keys = 0] = process.argv.slice(3).map(Number);

async function main(): Promise<void> {
  let seen = 0;
  let wanted = Number.POSITIVE_INFINITY;
  const check = (): void => {
    if (seen < wanted) return;
    process.send?.({ seen });
    seen -= wanted;
    wanted = Number.POSITIVE_INFINITY;
  };
  process.on('message', ({ changes }: AwaitChanges) => {
    wanted = changes;
    check();
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ ready: true });
  await Promise.all(
    Array.from({ length: instances }, async () => {
      const store = new StateStoreClient({ host: '127.0.0.1', port: STORE_PORT, timeout: 120_000 });
      const onChange = (): void => {
        seen++;
        check();
      };
      const names = Array.from({ length: keys }, (_none, index) => `fill/${index}`);
      await Promise.all(names.map((name) => store.observe(name, onChange, { current: true })));
    }),
  );
}

void main();
