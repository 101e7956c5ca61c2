/** Messages that wait for a connection, and then go out. */
import { once } from 'node:events';
import { Emulator } from '../src/emulator/index';
import { StateStoreClient } from '../src/index';

export interface Waiting {
  /** Bytes of memory that a message takes while it waits: its key, its value and its promise included. */
  bytes: number;
  /** Milliseconds from the connection until all of them were sent and answered. */
  ms: number;
  /** How many keys the store has then. */
  keys: number;
}

/** In this process, which must run with `--expose-gc`. Values have `size` bytes. */
export async function measureWaiting(count: number, size: number): Promise<Waiting> {
  let emulator = await Emulator.start({ port: 0 });
  const { port } = emulator;
  const store = new StateStoreClient({ host: '127.0.0.1', port, timeout: 60_000 });
  await store.connect();
  await emulator.close();
  await state(store, 'disconnected');
  const before = memoryBytes();
  const answers = Array.from({ length: count }, (_, index) => store.set(`key/${index}`, Buffer.alloc(size)));
  const bytes = (memoryBytes() - before) / count;
  emulator = await Emulator.start({ port });
  await state(store, 'connected');
  const begin = performance.now();
  await Promise.all(answers);
  const ms = performance.now() - begin;
  const { keys } = emulator;
  await store.close();
  await emulator.close();
  return { bytes, ms, keys };
}

/** Resolves when the client is in this state. */
export async function state(store: StateStoreClient, kind: string): Promise<void> {
  while (store.state.kind !== kind) await once(store, 'state');
}

/** In use after a garbage collection, buffers included. */
export function memoryBytes(): number {
  if (!global.gc) throw new Error('run with node --expose-gc');
  global.gc();
  global.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
