/** The errors of leases, locks and updates, in words that say what to do. */
import { type Bytes, toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { causeFirst, printableKey, StateStoreError } from '../errors';

/** Whether the same call may succeed later without a person changing anything. */
export function isRetryable(error: unknown): boolean {
  return error instanceof StateStoreError && error.retryable;
}

/** Whether the clocks of this machine and of the store differ too much for this client to use the store's responses. */
export function isClockFault(error: unknown): boolean {
  return error instanceof StateStoreError && error.code === 'TIMESTAMP_SKEW';
}

/** Why there is no connection, if there is none and the reason is known. */
export function connectionTrouble({ state }: StateStoreClient): StateStoreError | undefined {
  return 'reason' in state && state.reason ? notConnected(state.reason) : undefined;
}

/** There is no connection for the requests of a lock or a role. */
export function notConnected(reason: StateStoreError): StateStoreError {
  return new StateStoreError('NOT_CONNECTED', reason, { cause: reason, retryable: reason.retryable });
}

/** The lock or role was released, because this client cannot use the responses of the store. */
export function clockFault(lock: Bytes, error: StateStoreError): StateStoreError {
  const key = nameOf(lock);
  const cause = error.cause instanceof StateStoreError ? error.cause : error;
  const message = causeFirst(cause, `the lock ${key} was not acquired`);
  return new StateStoreError('TIMESTAMP_SKEW', message, { operation: 'lock', key, cause: error });
}

/** A key in words. */
export function nameOf(key: Bytes): string {
  return printableKey(toBytes('key', key));
}

export function leaseLost(key: Bytes, why: string, cause: StateStoreError | undefined): StateStoreError {
  const name = nameOf(key);
  return new StateStoreError(
    'LEASE_LOST',
    `The lock ${name} was lost: ${why}. Stop the protected work.${cause ? ` ${cause.message}` : ''}`,
    { operation: 'lock', key: name, cause },
  );
}

/** The client is being closed. */
export function lockClosed(lock: Bytes): StateStoreError {
  const key = nameOf(lock);
  const message = `Stopped waiting for the lock ${key}, because the client is closing.`;
  return new StateStoreError('CLOSED', message, { operation: 'lock', key });
}

const HELD_LONG = 'Increase the timeout, or check why the lock is held for so long.';

/** The store accepted the lease, and its response has no version, which is the fencing token. */
export function noToken(lock: Bytes): StateStoreError {
  const key = nameOf(lock);
  const problem = `The response of the store has no timestamp (user property __ts): the lock ${key} was not acquired`;
  const advice =
    'A bridge or a proxy on the way may remove the user properties of MQTT 5. Connect to the broker directly.';
  const facts = { applied: 'no', retryable: false } as const;
  return new StateStoreError('BAD_RESPONSE', { problem, advice }, { operation: 'lock', key, ...facts });
}

/** A lock that was not free in time. */
export function notFree(lock: Bytes, holder = 'Another client'): StateStoreError {
  const key = nameOf(lock);
  const words = { problem: `${holder} holds the lock ${key}, which was not free in time`, advice: HELD_LONG };
  return new StateStoreError('NOT_FREE', words, { operation: 'lock', key });
}

/** An update whose lock was not free in time. */
export function updateNotFree(key: Bytes, lock: Bytes, holder = 'Another client'): StateStoreError {
  const name = nameOf(key);
  const problem = `${holder} holds the lock ${nameOf(lock)}: key ${name} was not changed`;
  return new StateStoreError('NOT_FREE', { problem, advice: HELD_LONG }, { operation: 'update', key: name });
}

/** Too many changes of this client came before this one. */
export function tooMany(key: Bytes, before: number): StateStoreError {
  const name = nameOf(key);
  const others = before === 1 ? '1 other change' : `${before} other changes`;
  return new StateStoreError(
    'NOT_FREE',
    `${others} of key ${name} came first: it was not changed. Increase the timeout, or send fewer messages at once.`,
    { operation: 'update', key: name },
  );
}

/** An error about the lock's own key names the key, because no node has it in its settings. `prefix` is the key prefix of the client. */
export function ofLock(error: StateStoreError, lock: Bytes, prefix: string): StateStoreError {
  const name = nameOf(lock);
  if (error.code === 'FENCING_TOKEN_REQUIRED')
    return new StateStoreError(
      'FENCING_TOKEN_REQUIRED',
      `The key ${name} is changed by updates or protected by another lock, so it cannot be a lock. Use a name for the lock that is not the key of a value.`,
      { operation: 'lock', key: name, cause: error },
    );
  if (error.code !== 'NOT_AUTHORIZED') return error;
  return new StateStoreError(
    'NOT_AUTHORIZED',
    `The state store does not allow this client to use the lock ${name}. Ask the broker administrator for a BrokerAuthorization rule that grants ReadWrite to the key ${prefix}${name}.`,
    { operation: 'lock', key: name, cause: error },
  );
}

/** A change that was made too slowly: `limit` in milliseconds, which limit that is, and what else to do. */
export function changeTooSlow(key: Bytes, limit: number, which: string, advice: string): StateStoreError {
  return new StateStoreError(
    'TIMEOUT',
    `The new value of key ${nameOf(key)} was not computed within ${Math.round(limit)} ms, ${which}. Nothing was changed. Compute it faster, or ${advice}.`,
    { operation: 'update', key: nameOf(key), applied: 'no' },
  );
}

/** Why a request failed, without what that meant for its own key. */
export function rootOf(error: StateStoreError): StateStoreError {
  return error.code === 'NOT_CONNECTED' && error.cause instanceof StateStoreError ? error.cause : error;
}

/** An update that wrote nothing. */
export function nothingWritten(
  key: Bytes,
  cause: StateStoreError,
  retryable = cause.retryable,
): StateStoreError {
  const message = causeFirst(rootOf(cause), `key ${nameOf(key)} was not changed`);
  const facts = { applied: 'no', retryable } as const;
  return new StateStoreError(cause.code, message, { operation: 'update', key: nameOf(key), cause, ...facts });
}

/** It is unknown whether an update was applied. */
export function mayBeApplied(key: Bytes, cause: unknown): StateStoreError {
  const why = cause instanceof StateStoreError ? ` ${cause.message}` : '';
  return new StateStoreError(
    'OUTCOME_UNKNOWN',
    `The update of key ${nameOf(key)} may or may not have been applied; it is not applied twice. Get the key to find out.${why}`,
    { operation: 'update', key: nameOf(key), cause },
  );
}
