import { Deferred } from './deferred';
import type { Hold } from './hold';
import type { Lease } from './lease';

/** The hold of one waiter of this process. */
export class HeldLock implements Hold {
  readonly takenOver: boolean;
  /** Resolves when the user has released the lock, or has lost it. */
  readonly ended = new Deferred();
  /** Resolves when the lock is released in the store; see {@link Hold.release}. */
  readonly free = new Deferred<boolean>();
  readonly #lease: Lease;
  /** Made when the signal is read. */
  #abort: AbortController | undefined;
  #lost: Error | undefined;
  #released = false;

  constructor(lease: Lease, takenOver: boolean) {
    this.#lease = lease;
    this.takenOver = takenOver;
  }

  get held(): boolean {
    return !this.#released && !this.#lost && this.#lease.held;
  }

  get fencingToken(): string | undefined {
    return this.#released || this.#lost ? undefined : this.#lease.token;
  }

  get deadline(): number {
    return this.#lease.expires;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#lost) this.#abort.abort(this.#lost);
    return this.#abort.signal;
  }

  release(): Promise<boolean> {
    this.#released = true;
    this.ended.resolve();
    return this.free.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  /** The lock was lost. */
  lose(reason: Error): void {
    if (!this.#released && !this.#lost) {
      this.#lost = reason;
      this.#abort?.abort(reason);
    }
    this.ended.resolve();
  }
}
