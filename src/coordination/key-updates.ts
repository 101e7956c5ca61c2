import type { SetOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { timeLeft } from '../client/time-left';
import { type ErrorCode, StateStoreError } from '../errors';
import { compareHlc, type Hlc, parseHlc } from '../protocol/hlc';
import { changeTooSlow, mayBeApplied, notFree, nothingWritten, ofLock, tooMany } from './coordination-errors';
import type { Hold } from './hold';
import { keyLockOf } from './key-lock';

type NewValue = string | Uint8Array | undefined;

/** One change that waits for its turn. */
export interface Job {
  change(value: Buffer | undefined): NewValue | Promise<NewValue>;
  /** Milliseconds of the lease. */
  duration: number;
  /** Milliseconds until the change must be applied. */
  timeout: number;
  /** Options of the SET. */
  write: SetOptions;
  /** Goes to the store in place of the lock's token. */
  fencingToken?: string;
  signal?: AbortSignal;
}

/** What became of a change. */
export interface Applied {
  updated: boolean;
  before: Buffer | undefined;
  value: Buffer | undefined;
  version?: string;
}

/** A job in the queue, or on its way. */
interface Entry extends Job {
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  /** Whether the lock was taken anew for its token. */
  relocked: boolean;
  settled: boolean;
  resolve(applied: Applied): void;
  reject(error: unknown): void;
}

/** A change on its way to the store; `outcome` is set when that is known. */
interface Step {
  entry: Entry;
  before: Buffer | undefined;
  value: Buffer | undefined;
  /** Nothing is sent where the value stays the same. */
  writes: boolean;
  outcome?: { version?: string } | { error: unknown };
}

/** How long one client changes a key before others have their turn, in milliseconds. */
const TURN_MS = 250;
/** Most changes on their way at a time. */
const MOST_ON_THE_WAY = 256;
/** Errors of a lock or a reading that had no time left. */
const OUT_OF_TIME = new Set<ErrorCode>(['TIMEOUT', 'NOT_CONNECTED']);

/**
 * The changes of one key that one client is asked for: in their order, many under one lock, each made from the value before it
 * without waiting for the answer to that.
 *
 * Each value contains all changes before it. So where the outcome of one is not known, or it failed, and a later one was applied, it
 * was applied with that. Where a later one may have been applied, nobody knows. Otherwise it was not.
 *
 * A change with a token of its own may be refused for that. So only changes with the same token are on their way at a time, and none
 * is contained in one that a newer token lets through. The token of the lock must be newer than it: else one who lost the lock could
 * still write with the other token.
 */
export class KeyUpdates {
  readonly #store: StateStoreClient;
  readonly #key: Buffer;
  readonly #lock: Buffer;
  readonly #onIdle: () => void;
  readonly #queue: Entry[] = [];
  #running = false;
  /** Whether this client has the lock for them. */
  #holding = false;
  #onTheWay = 0;

  /** `onIdle` is called when all changes are applied. */
  constructor(store: StateStoreClient, key: Buffer, lock: Buffer, onIdle: () => void) {
    this.#store = store;
    this.#key = key;
    this.#lock = lock;
    this.#onIdle = onIdle;
  }

  add(job: Job): Promise<Applied> {
    return new Promise((resolve, reject) => {
      if (job.signal?.aborted) {
        reject(job.signal.reason);
        return;
      }
      const entry: Entry = {
        ...job,
        ...{ deadline: performance.now() + job.timeout, relocked: false, settled: false },
        resolve: (applied) => {
          if (settle()) resolve(applied);
        },
        reject: (error) => {
          if (settle()) reject(error);
        },
      };
      const settle = () => {
        if (entry.settled) return false;
        entry.settled = true;
        clearTimeout(timer);
        job.signal?.removeEventListener('abort', abort);
        return true;
      };
      const abort = () => this.#giveUp(entry, job.signal?.reason);
      const timer = setTimeout(
        () => this.#giveUp(entry, this.#reason(this.#queue.indexOf(entry) + this.#onTheWay)),
        job.timeout,
      );
      job.signal?.addEventListener('abort', abort);
      this.#queue.push(entry);
      if (!this.#running) void this.#run();
    });
  }

  /** Only what has not begun can be given up. */
  #giveUp(entry: Entry, reason: unknown): void {
    const index = this.#queue.indexOf(entry);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    entry.reject(reason);
  }

  /** Why a change has not begun in its time, with so many before it. */
  #reason(before: number): StateStoreError {
    // The one that is being made counts as well.
    if (this.#holding) return tooMany(this.#key, Math.max(1, before));
    const { trouble, holder } = keyLockOf(this.#store, this.#lock);
    return trouble ? nothingWritten(this.#key, trouble) : notFree('update', this.#key, this.#lock, holder);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (;;) {
      const latest = this.#latest();
      if (!latest) break;
      const { duration } = this.#queue[0] as Entry;
      try {
        const lock = keyLockOf(this.#store, this.#lock);
        const hold = await lock.acquire(duration, latest.left, undefined, latest.timeout);
        if (!hold) continue;
        this.#holding = true;
        await this.#apply(hold, duration).finally(() => hold.release());
        this.#holding = false;
      } catch (error) {
        this.#holding = false;
        const known =
          error instanceof StateStoreError
            ? nothingWritten(this.#key, ofLock(error, this.#lock, this.#store.keyPrefix))
            : error;
        const lacksTime = error instanceof StateStoreError && OUT_OF_TIME.has(error.code);
        for (const entry of this.#queue.splice(0)) {
          // Who came meanwhile has time for another attempt.
          if (lacksTime && timeLeft(entry.deadline, entry.timeout) !== undefined) this.#queue.push(entry);
          else entry.reject(known);
        }
      }
    }
    this.#running = false;
    this.#onIdle();
  }

  /** The longest that one of the first in the queue has left; nothing when it is empty, but for those whose time is over. */
  #latest(): { left: number; timeout: number } | undefined {
    const now = performance.now();
    const leftOf = ({ deadline, timeout }: Entry) => timeLeft(deadline, timeout, now);
    for (let [first] = this.#queue; first && leftOf(first) === undefined; [first] = this.#queue)
      this.#giveUp(first, this.#reason(this.#onTheWay));
    let latest: { left: number; timeout: number } | undefined;
    for (const entry of this.#queue.slice(0, 100)) {
      const left = leftOf(entry);
      if (left !== undefined && left > (latest?.left ?? 0)) latest = { left, timeout: entry.timeout };
    }
    return latest;
  }

  /** Applies what is queued, as long as it is our turn. Rejects when nothing could be read. */
  async #apply(hold: Hold, duration: number): Promise<void> {
    const end = performance.now() + Math.min(TURN_MS, duration / 4);
    const latest = this.#latest();
    if (!latest) return;
    const reading = await this.#store.get(this.#key, { timeout: latest.left });
    let value = reading.found ? reading.value : undefined;
    const steps: Step[] = [];
    let failed = false;
    let wake: (() => void) | undefined;
    const mayGo = (entry: Entry) => {
      const { fencingToken } = entry;
      if (this.#onTheWay > 0 && fencingToken !== steps.at(-1)?.entry.fencingToken) return false;
      // A token that is newer than a lock taken anew is the store's to judge.
      if (fencingToken === undefined || entry.relocked || isNewer(hold.fencingToken, fencingToken))
        return true;
      if (this.#onTheWay === 0) entry.relocked = true;
      return false;
    };
    while (!failed && hold.held) {
      const [first] = this.#queue;
      const goesOn = first && performance.now() < end && this.#onTheWay < MOST_ON_THE_WAY && mayGo(first);
      const entry = goesOn ? this.#queue.shift() : undefined;
      if (!entry) {
        if (this.#onTheWay === 0) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if (timeLeft(entry.deadline, entry.timeout) === undefined) {
        entry.reject(this.#reason(this.#onTheWay));
        continue;
      }
      let next: Buffer | undefined;
      try {
        next = await this.#change(entry, value, duration);
      } catch (error) {
        entry.reject(error);
        continue;
      }
      const token = hold.fencingToken;
      if (failed || token === undefined) {
        // It was made from a value that is not there, or the lock is lost: later, then.
        this.#again(entry);
        break;
      }
      const writes = next === undefined ? value !== undefined : value === undefined || !next.equals(value);
      const step: Step = { entry, before: value, value: next, writes };
      steps.push(step);
      value = next;
      this.#onTheWay++;
      void this.#send(step, entry.fencingToken ?? token).then((outcome) => {
        this.#onTheWay--;
        step.outcome = outcome;
        if ('error' in outcome) failed = true;
        else if (writes) tell(step);
        wake?.();
      });
    }
    while (this.#onTheWay > 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    this.#settle(steps);
  }

  /** The new value, made in half the time of the lock at most, and while there is time left to send it. */
  async #change(entry: Entry, value: Buffer | undefined, duration: number): Promise<Buffer | undefined> {
    const { deadline, timeout } = entry;
    const left = deadline - performance.now();
    const tooSlow = () =>
      left < duration / 2
        ? changeTooSlow(this.#key, left, 'what was left of its time', 'give it more time')
        : changeTooSlow(this.#key, duration / 2, 'half the time of the lock', 'the lock longer');
    const made = entry.change(value);
    let bytes: NewValue;
    if (made instanceof Promise) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(tooSlow()), Math.min(left, duration / 2));
      });
      try {
        bytes = await Promise.race([made, late]);
      } finally {
        clearTimeout(timer);
      }
    } else {
      bytes = made;
    }
    if (timeLeft(deadline, timeout) === undefined) throw tooSlow();
    return bytesOf(bytes);
  }

  /** Never rejects. */
  async #send({ entry, value, writes }: Step, fencingToken: string): Promise<NonNullable<Step['outcome']>> {
    // What was made in time goes out in the same turn.
    const timeout = Math.max(1, Math.ceil(entry.deadline - performance.now()));
    try {
      if (!writes) return {};
      const { version } =
        value === undefined
          ? await this.#store.delete(this.#key, { timeout, fencingToken })
          : await this.#store.set(this.#key, value, { ...entry.write, timeout, fencingToken });
      return version === undefined ? {} : { version };
    } catch (error) {
      return { error };
    }
  }

  /** What became of the steps that failed, and of those that wrote nothing. */
  #settle(steps: Step[]): void {
    /** Whether a later step, which contains this one, was applied. */
    let later: 'applied' | 'unknown' | 'not' = 'not';
    const allApplied = steps.every(({ outcome }) => outcome && !('error' in outcome));
    for (const step of steps.reverse()) {
      const { entry, outcome, writes } = step;
      if (outcome && !('error' in outcome)) {
        if (writes) later = 'applied';
        else if (later === 'applied' || allApplied) tell(step);
        else this.#again(entry);
        continue;
      }
      const error = outcome?.error;
      if (later !== 'applied' && mayBeWritten(error)) later = 'unknown';
      if (later === 'applied') tell(step);
      else if (later === 'unknown') entry.reject(mayBeApplied(this.#key, error));
      else entry.reject(error instanceof StateStoreError ? nothingWritten(this.#key, error) : error);
    }
  }

  /** A change that was made from a value that is not there has its turn once more, if its time is not over. */
  #again(entry: Entry): void {
    if (entry.settled) return;
    if (timeLeft(entry.deadline, entry.timeout) !== undefined) this.#queue.unshift(entry);
    else entry.reject(this.#reason(this.#onTheWay));
  }
}

function tell({ entry, before, value, writes, outcome }: Step): void {
  const version = outcome && 'version' in outcome ? outcome.version : undefined;
  entry.resolve({ updated: writes, before, value, ...(version !== undefined && { version }) });
}

function isNewer(token: string | undefined, other: string): boolean {
  return token !== undefined && compareHlc(parseHlc(token) as Hlc, parseHlc(other) as Hlc) > 0;
}

function bytesOf(value: NewValue): Buffer | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value);
}

/** Whether the store may have applied a write that ended with this error. */
function mayBeWritten(error: unknown): boolean {
  if (!(error instanceof StateStoreError)) return true;
  return / may or may not have been applied/.test(error.message);
}
