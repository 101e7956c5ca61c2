import { randomUUID } from 'node:crypto';
import type { StateStoreClient } from '../client/state-store-client';
import { isRetryable } from './coordination-errors';

/** Key of the marker. It has no expiry. A client that finds it missing creates it. */
export const MEMORY_KEY = 'statestore/memory';

const NEVER = Number.NEGATIVE_INFINITY;

const known = new WeakMap<StateStoreClient, StoreMemory>();

/**
 * Detects that the store lost its memory, and with it all leases: a marker key holds an ID that no client changes. Each client reads it once
 * per connection, for all its leases: before the first attempt, and later as soon as it is connected again. A lost session alone says
 * nothing about the keys.
 *
 * If this client may not read or create the marker, a lost session counts as a suspicion.
 */
export class StoreMemory {
  readonly #store: StateStoreClient;
  #id: string | undefined;
  #reading: Promise<void> | undefined;
  #isFirstConnection: boolean;
  /** When this client was back without its session, on the monotonic clock in milliseconds; `-Infinity` since the marker was read. */
  #sessionLostAt = NEVER;
  #lostAt = NEVER;
  #suspectedAt = NEVER;

  private constructor(store: StateStoreClient) {
    this.#store = store;
    this.#isFirstConnection = store.state.kind !== 'connected';
    store.on('state', (state) => {
      if (state.kind !== 'connected') {
        this.doubt();
        return;
      }
      if (!state.resumed && !this.#isFirstConnection) this.#sessionLostAt = performance.now();
      this.#isFirstConnection = false;
      // Otherwise a holder would learn of a loss only when it is a candidate again, and its wait would begin then.
      if (this.#id !== undefined) this.check().catch(() => undefined);
    });
  }

  /** There is one for all leases of a client. */
  static of(store: StateStoreClient): StoreMemory {
    const memory = known.get(store) ?? new StoreMemory(store);
    known.set(store, memory);
    return memory;
  }

  /** When this client learned of the latest loss, on the monotonic clock in milliseconds; `-Infinity` if there was none. */
  get lostAt(): number {
    return this.#lostAt;
  }

  /** When this client was back without its session the last time, if it could not read the marker. */
  get suspectedAt(): number {
    return this.#suspectedAt;
  }

  /** The marker has to be read again: there was no connection, or the store did not answer. */
  doubt(): void {
    this.#reading = undefined;
  }

  /** Resolves when it is known whether the store lost its memory before this moment. Rejects if the store cannot be asked. */
  check(): Promise<void> {
    if (this.#reading) return this.#reading;
    const reading = this.#read();
    this.#reading = reading;
    reading.catch(() => {
      if (this.#reading === reading) this.#reading = undefined;
    });
    return reading;
  }

  async #read(): Promise<void> {
    try {
      const id = (await this.#find()) ?? (await this.#create());
      if (this.#id !== undefined && id !== this.#id) this.#lostAt = performance.now();
      // A client that lost its session before it first read the marker cannot exclude a loss.
      else if (this.#id === undefined) this.#lostAt = this.#sessionLostAt;
      this.#id = id;
    } catch (error) {
      if (isRetryable(error)) throw error;
      this.#suspectedAt = Math.max(this.#suspectedAt, this.#sessionLostAt);
    }
    this.#sessionLostAt = NEVER;
  }

  async #find(): Promise<string | undefined> {
    const got = await this.#store.get(MEMORY_KEY, { urgent: true });
    return got.found ? got.value.toString() : undefined;
  }

  /** Of several clients that find it missing at once, one creates it. */
  async #create(): Promise<string | undefined> {
    const id = randomUUID();
    const { stored } = await this.#store.set(MEMORY_KEY, id, {
      condition: 'NX',
      repeatable: true,
      urgent: true,
    });
    return stored ? id : this.#find();
  }
}
