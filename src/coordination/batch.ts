import type { StateStoreClient } from '../client/state-store-client';
import { timeLeft } from '../client/time-left';
import { StateStoreError } from '../errors';
import { type Answer, verdictsOn } from './batch-outcomes';
import { mayBeApplied, nothingWritten } from './coordination-errors';
import type { Hold } from './hold';
import { newValueOf } from './new-value';
import { type BatchEnd, leftOf, type PendingUpdate, type UpdateSource } from './pending-update';
import { isNewerToken } from './token-order';

/** An update that was made from the value before it, on its way to the store. */
interface Step {
  update: PendingUpdate;
  before: Buffer | undefined;
  value: Buffer | undefined;
  /** Whether the value is another one. */
  changes: boolean;
  /** When it was sent, on the monotonic clock. */
  sentAt: number;
  answer: Answer | undefined;
  version?: string;
  error?: unknown;
}

/** Turn of one client, in milliseconds. */
const TURN_MS = 250;
/** Most changes in flight. */
const MAX_IN_FLIGHT = 256;

/**
 * The updates of one key that are made during one hold of its lock: in their order, each from the value before it without waiting for
 * the answer to that.
 *
 * A write of an earlier holder may arrive at any time while that holder's token is the newest one of the key. So the first write of a
 * batch *claims* the key: `SET <value read> NEX` with the token of this hold is applied only if the key still has the value that was
 * read. From then on the store refuses all older tokens. A missing key carries no token: it is created with `NX`. If the store
 * does not apply either, an earlier write has arrived, and the key is read again. `guarded` says that the key carries a token of this
 * process and that no other client can have held the lock since.
 *
 * The store may refuse an update with another token for that reason. So only updates with the same token are in flight at a time, and none is
 * contained in an update with a newer token. The token of the lock must be newer: otherwise a process that lost the lock could
 * still write with the other token.
 */
export class Batch {
  readonly #store: StateStoreClient;
  readonly #key: Buffer;
  readonly #hold: Hold;
  readonly #duration: number;
  readonly #source: UpdateSource;
  #end = Number.POSITIVE_INFINITY;
  readonly #steps: Step[] = [];
  #value: Buffer | undefined;
  #guarded: boolean;
  #guardedAt: number | undefined;
  #inFlight = 0;
  #failed = false;
  #wake: (() => void) | undefined;

  constructor(
    store: StateStoreClient,
    key: Buffer,
    lock: { hold: Hold; duration: number; guardedAt: number | undefined },
    source: UpdateSource,
  ) {
    this.#store = store;
    this.#key = key;
    this.#hold = lock.hold;
    this.#duration = lock.duration;
    this.#guardedAt = lock.guardedAt;
    this.#guarded = lock.guardedAt !== undefined;
    this.#source = source;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Applies the updates that wait, as long as it is the turn of this client. Rejects if the key cannot be read or claimed. */
  async run(timeout: number): Promise<BatchEnd> {
    await this.#read(timeout);
    this.#beginTurn();
    try {
      while (!this.#failed && this.#holdLeft !== undefined) {
        const inTurn = performance.now() < this.#end && this.#inFlight < MAX_IN_FLIGHT;
        const update = inTurn ? this.#source.take((first) => this.#mayGo(first)) : undefined;
        if (update) await this.#begin(update);
        else if (this.#inFlight > 0) await this.#answered();
        else break;
      }
    } finally {
      while (this.#inFlight > 0) await this.#answered();
      this.#settle();
    }
    const unknown = this.#steps.some(({ answer }) => answer === 'unknown');
    const guardedAt = this.#guarded && !unknown ? this.#guardedAt : undefined;
    return { unknown, ...(guardedAt !== undefined && { guardedAt }) };
  }

  /** Milliseconds until the hold ends, `undefined` if they are too few for a request. */
  get #holdLeft(): number | undefined {
    return this.#hold.held ? timeLeft(this.#hold.deadline, this.#duration) : undefined;
  }

  /** The reading and the claim are not part of the turn, so that a distant client can use it. */
  #beginTurn(): void {
    this.#end = performance.now() + Math.min(TURN_MS, this.#duration / 4);
  }

  /** The bounds of a request: it ends with the update and with the hold. */
  #bounds(left: number): { timeout: number; signal: AbortSignal } {
    const { deadline, signal } = this.#hold;
    return { timeout: Math.max(1, Math.ceil(Math.min(left, deadline - performance.now()))), signal };
  }

  #mayGo(update: PendingUpdate): boolean {
    const { fencingToken } = update;
    if (this.#inFlight > 0 && fencingToken !== this.#steps.at(-1)?.update.fencingToken) return false;
    // A token that is newer than a lock acquired again is the store's to judge.
    if (fencingToken === undefined || update.relocked || isNewerToken(this.#hold.fencingToken, fencingToken))
      return true;
    if (this.#inFlight === 0) update.relocked = true;
    return false;
  }

  async #read(left: number): Promise<void> {
    const reading = await this.#store.get(this.#key, this.#bounds(left));
    this.#value = reading.found ? reading.value : undefined;
    if (!reading.found) this.#guarded = false;
  }

  async #begin(update: PendingUpdate): Promise<void> {
    let value: Buffer | undefined;
    try {
      value = await newValueOf(update, this.#value, this.#key, this.#duration);
    } catch (error) {
      update.reject(error);
      return;
    }
    if (update.settled) return;
    const token = update.fencingToken ?? this.#hold.fencingToken;
    if (this.#failed || this.#hold.fencingToken === undefined || token === undefined) {
      // It was made from a value that the key does not have, or the lock is lost.
      this.#source.putBack(update);
      return;
    }
    const before = this.#value;
    const changes =
      value === undefined ? before !== undefined : before === undefined || !value.equals(before);
    // A write of the same value begins the time until it expires again.
    const writes = changes || (value !== undefined && update.write.expiry !== undefined);
    const step: Step = { update, before, value, changes, sentAt: performance.now(), answer: undefined };
    if (writes && before !== undefined && !this.#guarded && !(await this.#claim(step, token))) return;
    this.#value = value;
    this.#steps.push(step);
    if (!writes) {
      step.answer = 'unchanged';
      return;
    }
    this.#inFlight++;
    const sent = this.#send(step, token, before === undefined);
    if (value === undefined) this.#guarded = false;
    // What follows the creation of a key must not overwrite a value that was there first.
    if (before === undefined) await sent;
  }

  /** Whether the key carries the token now. If it has another value than the one read, that is read, and the update is made again. */
  async #claim({ update, before, sentAt }: Step, fencingToken: string): Promise<boolean> {
    const left = leftOf(update) ?? 1;
    try {
      const claim = { ...update.write, fencingToken, condition: 'NEX', repeatable: true } as const;
      const options = { ...claim, ...this.#bounds(left) };
      const { stored } = await this.#store.set(this.#key, before as Buffer, options);
      if (stored) {
        this.#guarded = true;
        this.#guardedAt = sentAt;
        this.#beginTurn();
        return !update.settled;
      }
      this.#source.putBack(update);
      await this.#read(left);
    } catch (error) {
      const passing = error instanceof StateStoreError && error.retryable;
      if (passing) this.#source.putBack(update);
      else update.reject(this.#refusal(update, error));
      if (passing) throw error;
    }
    return false;
  }

  /** Never rejects. */
  async #send(step: Step, fencingToken: string, creates: boolean): Promise<void> {
    const { update, value } = step;
    update.sent = true;
    // What was made in time goes out in the same turn.
    const options = { ...this.#bounds(update.deadline - performance.now()), fencingToken };
    try {
      if (value === undefined) {
        const { version } = await this.#store.delete(this.#key, options);
        this.#onAnswer(step, 'written', version);
        return;
      }
      const condition = creates ? ({ condition: 'NX' } as const) : undefined;
      const answer = await this.#store.set(this.#key, value, { ...update.write, ...condition, ...options });
      if (answer.stored && this.#value !== undefined) {
        this.#guarded = true;
        this.#guardedAt = step.sentAt;
      }
      this.#onAnswer(step, answer.stored ? 'written' : 'raced', answer.version);
    } catch (error) {
      step.error = error;
      // An aborted write may have gone out.
      const known = error instanceof StateStoreError && error !== this.#hold.signal.reason;
      this.#onAnswer(step, known && error.applied === 'no' ? 'refused' : 'unknown', undefined);
    }
  }

  #onAnswer(step: Step, answer: Answer, version: string | undefined): void {
    this.#inFlight--;
    step.answer = answer;
    if (version !== undefined) step.version = version;
    if (answer === 'written') resolve(step, version);
    else this.#failed = true;
    this.#wake?.();
  }

  #answered(): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
    });
  }

  /** Settles the steps that wrote nothing or failed, the last one first, so that those made again keep their order. */
  #settle(): void {
    const verdicts = verdictsOn(this.#steps.map(({ answer }) => answer ?? 'unchanged'));
    /** The version of the later write that contains the change of a step. */
    let version: string | undefined;
    for (const step of [...this.#steps].reverse()) {
      const { update, error } = step;
      const verdict = verdicts.pop();
      if (step.answer === 'written') version = step.version;
      if (verdict === 'applied') resolve(step, step.answer === 'unchanged' ? undefined : version);
      else if (verdict === 'again') this.#source.putBack(update);
      else if (verdict === 'unknown') update.reject(mayBeApplied(this.#key, error));
      else update.reject(this.#refusal(update, error));
    }
  }

  /** A refusal of the lock's token says that the lock was lost: with the next hold the same update may succeed. */
  #refusal({ fencingToken }: PendingUpdate, error: unknown): unknown {
    if (!(error instanceof StateStoreError)) return error;
    const lostLock = error.code === 'FENCING_TOKEN_LOWER_VERSION' && fencingToken === undefined;
    return nothingWritten(this.#key, error, lostLock || error.retryable);
  }
}

/** `version`: of the write that contains the change. */
function resolve({ update, before, value, changes }: Step, version: string | undefined): void {
  update.resolve({ updated: changes, before, value, ...(version !== undefined && { version }) });
}
