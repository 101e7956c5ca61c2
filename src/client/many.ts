import { type Operation, StateStoreError } from '../errors';
import { checkRules, type Rules } from '../option-rules';
import type { Bytes, SetOptions } from './options';

/** The outcome of one key among many: the result, or why there is none. */
export type KeyResult<Result> = (OfKey & Result) | FailedKey;

/** The key that a result belongs to. */
export interface OfKey {
  /** The key as it was given. */
  key: Bytes;
}

/** A key whose request failed. */
export interface FailedKey extends OfKey {
  /** Why the request failed. */
  error: StateStoreError;
}

/** How many of many requests are under way at a time. */
const CONCURRENCY = 256;

/** The options of the request of each key. An abort is an outcome of the key then. Throws `BAD_ARGUMENT` if the options are not valid. */
export function optionsOfEach<Options extends SetOptions>(
  options: Options,
  rules: Rules<Options>,
  operation: Operation,
): Options {
  checkRules(options, rules, { operation });
  return { ...options, abortedError: true };
}

/**
 * Makes a request for each key, a bounded number at a time, in the order of the keys. Resolves with the outcome of each key in
 * that order; never rejects for what the store or the broker says.
 */
export async function forEachOf<Item, Result extends object>(
  items: readonly Item[],
  keyOf: (item: Item) => Bytes,
  request: (item: Item) => Promise<Result>,
): Promise<KeyResult<Result>[]> {
  const results: KeyResult<Result>[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) {
      const key = keyOf(item);
      try {
        results[index] = { key, ...(await request(item)) };
      } catch (error) {
        if (!(error instanceof StateStoreError)) throw error;
        results[index] = { key, error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
  return results;
}
