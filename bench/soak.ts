/**
 * A million times set and get through one client: no failure, no wrong value, and the heap is back where it was.
 *
 *   npm run bench:soak [-- COUNT]
 */
import { StateStoreClient } from '../src/index';
import { Server } from './children';

const COUNT = Number(process.argv[2] ?? 1_000_000);
const KEYS = 1000;
const WORKERS = 200;
const WARM_UP = 20_000;
const GOAL_MB = 10;

function heapMb(): number {
  if (!global.gc) throw new Error('run with node --expose-gc');
  global.gc();
  global.gc();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return (heapUsed + external + arrayBuffers) / 2 ** 20;
}

/** `count` times set and get, by workers that own their keys. */
async function pairs(
  store: StateStoreClient,
  count: number,
  onProgress: (done: number) => void,
): Promise<number> {
  let next = 0;
  let wrong = 0;
  const worker = async (id: number) => {
    const key = `soak/${id % KEYS}`;
    while (next < count) {
      const value = String(next++);
      await store.set(key, value);
      const got = await store.get(key);
      if (!got.found || got.value.toString() !== value) wrong++;
      if (next % 100_000 === 0) onProgress(next);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, id) => worker(id)));
  return wrong;
}

async function main(): Promise<void> {
  const emulator = await Server.start('emulator');
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  await store.connect();
  await pairs(store, WARM_UP, () => undefined);
  const before = heapMb();
  const begin = performance.now();
  const wrong = await pairs(store, COUNT, (done) =>
    console.log(`${done} of ${COUNT}, heap ${heapMb().toFixed(1)} MB`),
  );
  const seconds = (performance.now() - begin) / 1000;
  const growth = heapMb() - before;
  console.log(
    `${COUNT} sets and ${COUNT} gets in ${seconds.toFixed(0)} s (${Math.round((2 * COUNT) / seconds)} requests/s)`,
  );
  console.log(
    `failures 0, wrong values ${wrong}; memory before ${before.toFixed(1)} MB, growth ${growth.toFixed(1)} MB`,
  );
  await store.close();
  await emulator.stop();
  const good = wrong === 0 && growth < GOAL_MB;
  console.log(good ? 'as it should be' : 'NOT as it should be');
  process.exitCode = good ? 0 : 1;
}

main().catch((error) => {
  console.error(`failed: ${error.message}`);
  process.exitCode = 1;
});
