/** One acquisition of a lock, on behalf of one of the waiters of this process. */
export interface Hold {
  /** Whether the lock is held right now. Ask again after every wait. */
  readonly held: boolean;
  /** The newest fencing token of the lock, to be sent with every write. `undefined` once the lock is no longer held. */
  readonly fencingToken: string | undefined;
  /**
   * When the hold ends unless it is renewed, on the monotonic clock (`performance.now()`), in milliseconds. Renewals move it. A write
   * under the lock must be settled by then.
   */
  readonly deadline: number;
  /** Aborts with `LEASE_LOST` when the lock is lost before it was released. */
  readonly signal: AbortSignal;
  /**
   * Whether another client may have held the lock since the previous hold of this process, so that a write of that client may still
   * arrive. False only if that is certain: the lock passed within this process, or this process released it less than the shortest lease
   * (100 ms) before it acquired it again. Nothing follows from it about holders before the previous hold.
   */
  readonly takenOver: boolean;
  /**
   * Releases the lock, once. Resolves with true when another client can acquire it. Resolves with false if that is unknown, because
   * the store did not answer or the lock was lost: it is then free at the end of its duration at the latest.
   */
  release(): Promise<boolean>;
  /** {@link release}. */
  [Symbol.asyncDispose](): Promise<void>;
}
