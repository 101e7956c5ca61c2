/** Which waiter acquires a lock next: pure, without a clock. Every waiter follows the same announcements in the same order. */

export interface Waiter {
  /** Identifies the waiter: its holder text without the duration. */
  id: string;
  /** Milliseconds between a waiter and the store, there and back, as the waiter measured it. */
  roundTrip: number;
}

/** How long the waiters behind one wait for it to acquire a free lock: so many of its round trips, and of their own. */
const GRACE_ROUND_TRIPS = 3;
/** The least of that, in milliseconds, for a busy machine. */
const LEAST_GRACE_MS = 300;
/** Longest list. Waiters that announce themselves beyond it are served in no order. */
const MAX_WAITERS = 1000;

export class Turns {
  /** Map in the order of turns. */
  readonly #waiting = new Map<string, Waiter>();

  /** Whether a waiter has a turn to come. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** Whether a waiter other than `id` has a turn to come. */
  hasOther(id: string): boolean {
    return this.#waiting.size > (this.#waiting.has(id) ? 1 : 0);
  }

  /** A waiter announced itself: behind the others, unless it has its place already. */
  announced(waiter: Waiter): void {
    if (this.#waiting.has(waiter.id) || this.#waiting.size < MAX_WAITERS)
      this.#waiting.set(waiter.id, waiter);
  }

  /** A waiter gave up. */
  left(id: string): void {
    this.#waiting.delete(id);
  }

  /**
   * Whether `id` is next, and a client that never announced itself acquired the lock before it: that client may not know of any waiter.
   */
  isOvertaken(id: string, by: string): boolean {
    const [first] = this.#waiting.keys();
    return first === id && !this.#waiting.has(by);
  }

  /** A client acquired the lock. The waiters before it missed their turn: they are gone, or announce themselves again. */
  acquired(id: string): void {
    if (!this.#waiting.has(id)) return;
    for (const before of this.#waiting.keys()) {
      this.#waiting.delete(before);
      if (before === id) return;
    }
  }

  /**
   * Milliseconds after which a waiter may try to acquire a lock, from when it learned that the lock is free: 0 if it is next. A waiter
   * that was not announced is behind all that were.
   */
  delayOf({ id, roundTrip }: Waiter): number {
    let delay = 0;
    for (const before of this.#waiting.values()) {
      if (before.id === id) break;
      delay += Math.max(LEAST_GRACE_MS, GRACE_ROUND_TRIPS * (before.roundTrip + roundTrip));
    }
    return delay;
  }
}
