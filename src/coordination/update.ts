import { type Bytes, type RequestOptions, SET_RULES, toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { bytes as bytesRule, checkRules, functionOf, integer, type Rules } from '../option-rules';
import { leaseDuration, SHORTEST_LEASE_MS } from './durations';
import type { UpdateResult } from './pending-update';
import { UpdateQueue } from './update-queue';

export type { UpdateResult } from './pending-update';

/** Options of an update. */
export interface UpdateOptions extends RequestOptions {
  /** Key of the lock. Default: the key with `/lock` at its end. All programs that change the key must use the same lock. */
  lock?: Bytes;
  /**
   * Milliseconds after which the new value expires, an integer from 1. Default: never. Each update starts that time again, also an update
   * that leaves the value as it is. Without this option, an update that leaves the value as it is writes nothing.
   */
  expiry?: number;
  /** Asks for a key that survives a restart of the whole broker. Works only if the broker has persistence. */
  persist?: boolean;
  /**
   * Token of a role or of another lock that lets this change happen, sent with the SET in place of the lock's own. A process that lost the role is refused
   * with `FENCING_TOKEN_LOWER_VERSION`, and so is an older token on a key that was updated without one: give it always, or never.
   */
  fencingToken?: string;
  /** Milliseconds after which the lock of a process that ended is free again, 100 to 3600000. Default 10000. */
  duration?: number;
}

/**
 * Makes the new value of a key from the one it holds, `undefined` when it is missing. Returns `undefined` to delete the key. It may
 * be asynchronous, but must be done in half the time of the lock. Where it throws, nothing is changed.
 */
export type Change = (value: Buffer | undefined) => Bytes | undefined | Promise<Bytes | undefined>;

const known = new WeakMap<StateStoreClient, Map<string, UpdateQueue>>();

/**
 * Changes a key in one step: reads it, calls `change` for the new value, and sets it. A lock prevents other updates meanwhile. Calls for one key
 * are queued and applied in their order, many under one lock. Each is a separate SET with the fencing token of the
 * lock, or the given token. So observers see every value, and nothing is lost if a process is frozen, disconnected or killed.
 * `change` is called again if a write of an earlier holder of the lock arrived meanwhile.
 *
 * Unless this client wrote the key a moment ago, the first write of a turn is preceded by a SET of the value that was read, with the new
 * token: observers see that value once more. A write of an earlier holder is refused from then on, until the key is deleted or expires.
 *
 * From then on the key is protected: the store refuses a SET or DEL without a token (`FENCING_TOKEN_REQUIRED`). Change it by
 * updates only.
 *
 * Rejects with `NOT_FREE` if the lock was not free within `timeout` (default: that of the client), with the error of `change`, with the errors of
 * {@link StateStoreClient}, or with `OUTCOME_UNKNOWN` if the change may or may not have been applied. It is never applied twice. If the signal
 * is aborted before the new value is sent, it rejects with the signal's reason, and nothing is written. Later it ends with its outcome.
 */
export async function update(
  store: StateStoreClient,
  key: Bytes,
  change: Change,
  options: UpdateOptions = {},
): Promise<UpdateResult> {
  checkRules(options, UPDATE_RULES, { operation: 'update' });
  functionOf('the new value')('change', change, { operation: 'update' });
  const { timeout = store.timeout, duration = 10_000, signal, expiry, persist, fencingToken } = options;
  const bytes = Buffer.from(toBytes('key', key, { operation: 'update' }));
  if (bytes.length === 0)
    throw new StateStoreError('BAD_ARGUMENT', 'key must not be empty.', { operation: 'update', key: '' });
  const lock = Buffer.from(
    options.lock === undefined ? Buffer.concat([bytes, LOCK_END]) : toBytes('lock', options.lock),
  );
  if (lock.equals(bytes))
    throw new StateStoreError('BAD_ARGUMENT', 'lock must not be the key itself.', { operation: 'update' });
  leaseDuration(duration);
  const write = { ...(expiry !== undefined && { expiry }), ...(persist && { persist }) };
  return updateQueueOf(store, bytes, lock).add({
    change,
    duration,
    timeout,
    write,
    ...(fencingToken !== undefined && { fencingToken }),
    ...(signal && { signal }),
  });
}

const UPDATE_RULES: Rules<UpdateOptions> = {
  timeout: SET_RULES.timeout,
  signal: SET_RULES.signal,
  urgent: SET_RULES.urgent,
  abortedError: SET_RULES.abortedError,
  lock: bytesRule,
  expiry: SET_RULES.expiry,
  persist: SET_RULES.persist,
  fencingToken: SET_RULES.fencingToken,
  duration: integer(SHORTEST_LEASE_MS),
};

const LOCK_END = Buffer.from('/lock');

function updateQueueOf(store: StateStoreClient, key: Buffer, lock: Buffer): UpdateQueue {
  const all = known.get(store) ?? new Map<string, UpdateQueue>();
  known.set(store, all);
  const id = `${key.toString('latin1')}\n${key.length} ${lock.toString('latin1')}`;
  const existing = all.get(id);
  if (existing) return existing;
  const made = new UpdateQueue(store, key, lock, () => all.delete(id));
  all.set(id, made);
  return made;
}
