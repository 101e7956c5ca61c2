import { setTimeout as pause } from 'node:timers/promises';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { Batch } from './batch';
import { nothingWritten, ofLock, tooMany, updateNotFree } from './coordination-errors';
import { SHORTEST_LEASE_MS } from './durations';
import { keyLockOf } from './key-locks';
import {
  leftOf,
  type PendingUpdate,
  type UpdateJob,
  type UpdateResult,
  type UpdateSource,
} from './pending-update';

/** Pause before the lock or the key is asked for again after an error, in milliseconds. */
const RETRY_PAUSE_MS = 100;
/** Number of updates at the head of the queue that are searched for the most remaining time. */
const MAX_COMPARED = 100;

/** The updates of one key that one client is asked for, applied in their order, many under one lock. */
export class UpdateQueue implements UpdateSource {
  readonly #store: StateStoreClient;
  readonly #key: Buffer;
  readonly #lock: Buffer;
  readonly #onIdle: () => void;
  readonly #waiting: PendingUpdate[] = [];
  #running = false;
  /** The batch under the lock. */
  #batch: Batch | undefined;
  /** Why the key could not be read or claimed the last time. */
  #trouble: StateStoreError | undefined;
  /** When the newest write began after which the key carries a token of this process, on the monotonic clock. */
  #guardedAt: number | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `onIdle` is called when it has had no update for a while. */
  constructor(store: StateStoreClient, key: Buffer, lock: Buffer, onIdle: () => void) {
    this.#store = store;
    this.#key = key;
    this.#lock = lock;
    this.#onIdle = onIdle;
  }

  add(job: UpdateJob): Promise<UpdateResult> {
    return new Promise((resolve, reject) => {
      if (job.signal?.aborted) {
        reject(job.signal.reason);
        return;
      }
      const settle = () => {
        if (update.settled) return false;
        update.settled = true;
        clearTimeout(timer);
        job.signal?.removeEventListener('abort', abort);
        return true;
      };
      const update: PendingUpdate = {
        ...job,
        deadline: performance.now() + job.timeout,
        relocked: false,
        settled: false,
        sent: false,
        resolve: (result) => {
          if (settle()) resolve(result);
        },
        reject: (error) => {
          if (settle()) reject(error);
        },
      };
      const abort = () => {
        if (update.sent) return;
        this.#giveUp(update, job.signal?.reason);
        update.reject(job.signal?.reason);
      };
      const timer = setTimeout(
        () => this.#giveUp(update, this.#reason(this.#waiting.indexOf(update))),
        job.timeout,
      );
      job.signal?.addEventListener('abort', abort);
      this.#waiting.push(update);
      if (!this.#running) void this.#run();
    });
  }

  take(accepts: (update: PendingUpdate) => boolean): PendingUpdate | undefined {
    this.#dropLate();
    const [first] = this.#waiting;
    if (!first || !accepts(first)) return undefined;
    return this.#waiting.shift();
  }

  putBack(update: PendingUpdate): void {
    update.sent = false;
    if (update.settled) return;
    if (update.signal?.aborted) update.reject(update.signal.reason);
    else if (leftOf(update) !== undefined) this.#waiting.unshift(update);
    else update.reject(this.#reason(0));
  }

  /** Only an update that has not begun can be given up. */
  #giveUp(update: PendingUpdate, reason: unknown): void {
    const index = this.#waiting.indexOf(update);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    update.reject(reason);
  }

  /** Rejects the first updates whose time is over. */
  #dropLate(): void {
    for (let [first] = this.#waiting; first && leftOf(first) === undefined; [first] = this.#waiting)
      this.#giveUp(first, this.#reason(0));
  }

  /** Why an update has not begun in its time, with so many that wait before it. */
  #reason(before: number): StateStoreError {
    // The update that is being made counts as well.
    if (this.#batch) return tooMany(this.#key, Math.max(1, before + this.#batch.inFlight));
    const { trouble = this.#trouble, holder } = keyLockOf(this.#store, this.#lock);
    return trouble ? nothingWritten(this.#key, trouble) : updateNotFree(this.#key, this.#lock, holder);
  }

  async #run(): Promise<void> {
    this.#running = true;
    clearTimeout(this.#idle);
    for (let latest = this.#latest(); latest; latest = this.#latest()) {
      try {
        await this.#runBatch(latest);
        this.#trouble = undefined;
      } catch (error) {
        if (error instanceof StateStoreError) await this.#onError(error);
        else for (const update of this.#waiting.splice(0)) update.reject(error);
      }
    }
    this.#running = false;
    // For so long the key may be guarded.
    this.#idle = setTimeout(this.#onIdle, SHORTEST_LEASE_MS).unref();
  }

  async #runBatch(latest: PendingUpdate): Promise<void> {
    const [first] = this.#waiting;
    const left = leftOf(latest);
    if (!first || left === undefined) return;
    const { duration } = first;
    const hold = await keyLockOf(this.#store, this.#lock).acquire({
      duration,
      timeout: left,
      cautious: false,
    });
    if (!hold) return;
    try {
      const guardedAt = hold.takenOver ? undefined : this.#recentGuard;
      this.#guardedAt = undefined;
      const reader = this.#latest();
      if (!reader) return;
      const batch = new Batch(this.#store, this.#key, { hold, duration, guardedAt }, this);
      this.#batch = batch;
      const began = performance.now();
      const end = await batch.run(leftOf(reader) ?? 1);
      this.#guardedAt = end.guardedAt;
      // A later holder of the lock does not treat the key as guarded within that time, because one of these writes may still arrive.
      if (end.unknown) await pause(Math.max(0, began + SHORTEST_LEASE_MS - performance.now()));
    } finally {
      this.#batch = undefined;
      await hold.release();
    }
  }

  /** No lease is shorter than {@link SHORTEST_LEASE_MS}: since a write that began later than that ago, none of another client can have expired. */
  get #recentGuard(): number | undefined {
    const at = this.#guardedAt;
    return at !== undefined && performance.now() - at < SHORTEST_LEASE_MS ? at : undefined;
  }

  /** The lock could not be acquired, or the key could not be read or claimed. */
  async #onError(error: StateStoreError): Promise<void> {
    const known = ofLock(error, this.#lock, this.#store.keyPrefix);
    this.#trouble = known;
    if (error.retryable) this.#dropLate();
    else for (const update of this.#waiting.splice(0)) update.reject(nothingWritten(this.#key, known));
    if (this.#waiting.length > 0) await pause(RETRY_PAUSE_MS);
  }

  /** Of the first updates, the one with the most time left. */
  #latest(): PendingUpdate | undefined {
    this.#dropLate();
    const now = performance.now();
    let latest: PendingUpdate | undefined;
    for (const update of this.#waiting.slice(0, MAX_COMPARED))
      if (leftOf(update, now) !== undefined && update.deadline > (latest?.deadline ?? 0)) latest = update;
    return latest;
  }
}
