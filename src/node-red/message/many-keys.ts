/** One message, many keys: all requests go out at once, and each key has an outcome of its own. */
import { type Operation, StateStoreError } from '../../errors';
import { type Key, keyContext } from './key';

/** The result for one key: the result of the operation, or the error. */
export type KeyOutcome = { key: Key } & (object | { error: { code: string; message: string } });

/** Some keys failed. `results` has the outcome of each key in the order they were given. */
export class ManyKeysError extends StateStoreError {
  readonly results: KeyOutcome[];

  constructor(operation: Operation, first: StateStoreError, results: KeyOutcome[]) {
    const failed = results.filter((result) => 'error' in result).length;
    super(
      first.code,
      `${first.message} ${failed} of ${results.length} keys failed: see msg.statestore.results.`,
      {
        operation,
        ...(first.key !== undefined && { key: first.key }),
        cause: first,
      },
    );
    this.results = results;
  }
}

/**
 * Calls `request` for every key before it waits for any. Resolves with the outcomes in the order of the keys; rejects
 * with {@link ManyKeysError} when one of them failed.
 */
export async function forEachKey<Outcome extends object>(
  operation: Operation,
  keys: readonly Key[],
  request: (key: Key, index: number) => Promise<Outcome>,
): Promise<Outcome[]> {
  const settled = await Promise.allSettled(keys.map((key, index) => request(key, index)));
  const outcomes = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (outcomes.length === keys.length) return outcomes;
  let first: StateStoreError | undefined;
  const results = settled.map((one, index): KeyOutcome => {
    const key = keys[index] as Key;
    if (one.status === 'fulfilled') return { key, ...one.value };
    const error = asStateStoreError(one.reason, operation, key);
    first ??= error;
    return { key, error: { code: error.code, message: error.message } };
  });
  throw new ManyKeysError(operation, first as StateStoreError, results);
}

function asStateStoreError(reason: unknown, operation: Operation, key: Key): StateStoreError {
  if (reason instanceof StateStoreError) return reason;
  return new StateStoreError('UNKNOWN', String(reason), { ...keyContext(operation, key), cause: reason });
}
