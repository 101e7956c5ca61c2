import type { StateStoreClient } from '../client/state-store-client';
import type { ContenderOptions } from './contender-events';
import { DEFAULT_LEASE_MS } from './durations';
import type { Lease } from './lease';
import { StoreMemory } from './store-memory';

/** Keeps a candidate from a lease that the store forgot, for as long as a holder may still believe in it. */
export class Caution {
  readonly #memory: StoreMemory;
  readonly #kind: ContenderOptions['caution'];
  /** The longest lease of others on the key that is known, in milliseconds. */
  readonly #longest: () => number;

  constructor(store: StateStoreClient, kind: ContenderOptions['caution'], longest: () => number) {
    this.#memory = StoreMemory.of(store);
    this.#kind = kind;
    this.#longest = longest;
  }

  /** The store did not answer: it may have lost its memory. */
  doubt(): void {
    this.#memory.doubt();
  }

  /** Milliseconds to wait before an attempt. Rejects if the store cannot be asked. */
  async waitFor(lease: Lease): Promise<number> {
    const kind = this.#kind();
    if (kind === 'none') return 0;
    await this.#memory.check();
    const longest = Math.max(lease.duration, this.#longest());
    // A holder with a longer lease may have come while this client was away.
    const afterLoss = this.#memory.lostAt + Math.max(longest, DEFAULT_LEASE_MS);
    const afterSuspicion = kind === 'suspicion' ? this.#memory.suspectedAt + longest : 0;
    return Math.max(afterLoss, afterSuspicion) - performance.now();
  }

  /**
   * Releases a lease that was acquired after the store lost its memory, and resolves with false. While a broker keeps the connection,
   * only the marker shows a loss: it is read after the acquisition of a role, and of a lock whose release was not reported.
   */
  async keeps(lease: Lease, isReported: boolean): Promise<boolean> {
    const kind = this.#kind();
    if (kind === 'none' || (kind === 'loss' && isReported)) return true;
    this.#memory.doubt();
    let isSafe = false;
    try {
      isSafe = (await this.waitFor(lease)) <= 0 && lease.held;
    } finally {
      if (!isSafe) await lease.release().catch(() => undefined);
    }
    return isSafe;
  }
}
