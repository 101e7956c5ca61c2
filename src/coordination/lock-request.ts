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

/** A call that waits for its turn in this process. */
export interface Waiter extends LockRequest {
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  /** Settles the wait, unless it is settled. */
  finish(outcome: { hold: Hold | undefined } | { error: unknown }): void;
  settled: boolean;
}
