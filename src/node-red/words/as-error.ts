import { messageOf, type Operation, StateStoreError } from '../../errors';

/** Any thrown value as a `StateStoreError`. */
export function asError(reason: unknown, operation: Operation): StateStoreError {
  if (reason instanceof StateStoreError) return reason;
  const message = messageOf(reason);
  return new StateStoreError('UNKNOWN', message, { operation, cause: reason });
}
