/** The errors of observing a key. */
import { causeFirst, notDone, printableKey, StateStoreError } from '../errors';
import { ConnectionError } from '../mqtt/connection-error';
import { MAX_OBSERVED_KEY_BYTES } from '../protocol/topics';

/** Throws `BAD_ARGUMENT` for a key that is too long to be observed. */
export function checkObservable(key: Buffer): void {
  if (key.length <= MAX_OBSERVED_KEY_BYTES) return;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `key must not be longer than ${MAX_OBSERVED_KEY_BYTES} bytes to be observed, but has ${key.length}.`,
    contextOf(key),
  );
}

/** For observers that have left: nothing receives it. */
export function abandoned(key: Buffer): StateStoreError {
  return new StateStoreError('CLOSED', 'The key is not observed any more.', contextOf(key));
}

/** A failed attempt to observe a key. A {@link ConnectionError} says nothing about the key. Other errors are thrown again. */
export function refusalOf(key: Buffer, error: unknown): StateStoreError {
  if (error instanceof ConnectionError) {
    const context = contextOf(key);
    const { retryable } = error;
    return new StateStoreError(error.code, causeFirst(error, notDone(context)), {
      ...context,
      cause: error,
      retryable,
    });
  }
  if (error instanceof StateStoreError) return error;
  throw error;
}

function contextOf(key: Buffer): { operation: 'observe'; key: string } {
  return { operation: 'observe', key: printableKey(key) };
}
