/** Commands on many keys: a bounded number of keys at a time. */
import type { StateStoreClient } from '../client/state-store-client';
import type { Options } from './arguments';
import { type Entry, entryLine } from './entry-lines';
import { writeStdout } from './streams';

/** Keys whose values are read together. */
const BATCH = 256;

export const PATTERN: Options = {
  pattern: { type: 'string', value: 'PATTERN', help: 'all keys that match, such as "machine/*"' },
};

/** "1 key", "2 keys". */
export function keysOf(count: number): string {
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}

/** Writes a line for each key that matches, and returns the number of lines. A key that is deleted meanwhile is left out. */
export async function writeEntries(store: StateStoreClient, pattern: Buffer): Promise<number> {
  let count = 0;
  for await (const keys of batches(store.keys(pattern))) {
    const entries = await readValues(store, keys);
    if (entries.length > 0) await writeStdout(entries.map(entryLine).join(''));
    count += entries.length;
  }
  return count;
}

async function readValues(store: StateStoreClient, keys: Buffer[]): Promise<Entry[]> {
  const results = await store.getMany(keys);
  return results.flatMap((one, i) => {
    if ('error' in one) throw one.error;
    const key = keys[i] as Buffer;
    return one.found ? [{ ...one, key }] : [];
  });
}

export async function* batches<Item>(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
