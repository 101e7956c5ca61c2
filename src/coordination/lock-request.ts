import type { Hold } from './hold';

/** One call that wants the lock. */
export interface LockRequest {
  /** Milliseconds of the lease. */
  duration: number;
  /** Milliseconds to wait at most. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** Whether to wait for the end of holders that a store which lost its memory forgot. */
  cautious: boolean;
}

/** What the queue of a lock does for its waiters. */
export interface WaiterEvents {
  /** The wait lasted as long as it may. */
  onTime(waiter: Waiter): void;
  /** The wait is over, in whichever way. */
  onEnd(waiter: Waiter): void;
}

/** A call that waits for its turn in this process. */
export class Waiter {
  /** Milliseconds of the lease. */
  readonly duration: number;
  readonly cautious: boolean;
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  /** Resolves with nothing if the lock was not free in time. */
  readonly hold: Promise<Hold | undefined>;
  settled = false;
  readonly #signal: AbortSignal | undefined;
  readonly #events: WaiterEvents;
  readonly #timer: NodeJS.Timeout;
  #resolve: (hold: Hold | undefined) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor({ duration, timeout, signal, cautious }: LockRequest, events: WaiterEvents) {
    this.duration = duration;
    this.cautious = cautious;
    this.deadline = performance.now() + timeout;
    this.hold = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#signal = signal;
    this.#events = events;
    this.#timer = setTimeout(events.onTime, timeout, this);
    signal?.addEventListener('abort', this);
  }

  /** Of the signal. */
  handleEvent(): void {
    this.finish({ error: this.#signal?.reason });
  }

  /** Settles the wait, unless it is settled. */
  finish(outcome: { hold: Hold | undefined } | { error: unknown }): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this);
    this.#events.onEnd(this);
    if ('error' in outcome) this.#reject(outcome.error);
    else this.#resolve(outcome.hold);
  }
}
