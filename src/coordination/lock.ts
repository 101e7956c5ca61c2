import { type Bytes, REQUEST_RULES, type RequestOptions, toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { type ErrorContext, printableKey, StateStoreError } from '../errors';
import { checkRules, type Rules, waitMilliseconds } from '../option-rules';
import { nameOf, notFree } from './coordination-errors';
import { DEFAULT_LEASE_MS, DURATION_RULES, leaseDuration } from './durations';
import type { Hold } from './hold';
import type { KeyLock } from './key-lock';
import { keyLockOf } from './key-locks';

/** Options of a lock. */
export interface LockOptions {
  /**
   * Milliseconds after which the lock is free again when its holder does not renew it any more, because its process ended: a whole
   * number from 100 to 3600000. Default 10000.
   */
  duration?: number;
}

/** Default time to wait for a lock, in milliseconds. */
const DEFAULT_WAIT_MS = 10_000;
const ACQUIRE_RULES: Rules<RequestOptions> = { ...REQUEST_RULES, timeout: waitMilliseconds };

/**
 * A lock in the store that at most one holds at a time, in this process or any other: {@link Lease} with a queue. In this process it
 * is first come, first served; between processes each has its turn for a bounded time. A holder renews it for as long as it needs.
 *
 * ```ts
 * const lock = new Lock(store, 'machine/1/lock');
 * await lock.withLock(async ({ fencingToken, signal }) => {
 *   await store.set('machine/1', 'on', { fencingToken, signal });
 * });
 * ```
 */
export class Lock {
  /** Key of the lock. */
  readonly key: Uint8Array;
  readonly #store: StateStoreClient;
  readonly #duration: number;
  readonly #context: ErrorContext;

  /** All locks of one client with one key share one queue. Throws `BAD_ARGUMENT`. */
  constructor(store: StateStoreClient, key: Bytes, options: LockOptions = {}) {
    checkRules(options, DURATION_RULES, { operation: 'lock' });
    this.key = toBytes('key', key);
    if (this.key.length === 0)
      throw new StateStoreError('BAD_ARGUMENT', 'The name of a lock must not be empty.');
    this.#duration = leaseDuration(options.duration ?? DEFAULT_LEASE_MS);
    this.#context = { operation: 'lock', key: printableKey(this.key) };
    this.#store = store;
  }

  /** How many wait for it in this process. */
  get waiting(): number {
    return this.#lock.waiting;
  }

  /** Who holds it, as far as it is known. */
  get holder(): string | undefined {
    return this.#lock.holder;
  }

  /**
   * Waits until the lock is free, at most `timeout` milliseconds (default 10000); resolves with nothing when it was not free in
   * time. Rejects when the store could not be asked until then, or refuses, or with the signal's reason.
   */
  async acquire(options: RequestOptions = {}): Promise<Hold | undefined> {
    checkRules(options, ACQUIRE_RULES, this.#context);
    const { timeout = DEFAULT_WAIT_MS, signal } = options;
    return this.#lock.acquire({ duration: this.#duration, timeout, signal, cautious: true });
  }

  /**
   * Calls `use` while the lock is held, and releases the lock afterwards. `use` gets the fencing token, to be sent
   * with every write, and a signal that aborts if the lock is lost: then it must stop. Rejects with `NOT_FREE` if the lock was
   * not free in time, otherwise with the error of `use`.
   */
  async withLock<T>(
    use: (hold: Omit<Hold, 'release' | typeof Symbol.asyncDispose>) => T | Promise<T>,
    options: RequestOptions = {},
  ): Promise<T> {
    const hold = await this.acquire(options);
    if (!hold) throw notFree(this.key, this.holder);
    try {
      return await use(hold);
    } finally {
      await hold.release();
    }
  }

  get #lock(): KeyLock {
    return keyLockOf(this.#store, this.key);
  }

  /** The name of the lock, for people. */
  toString(): string {
    return nameOf(this.key);
  }
}
