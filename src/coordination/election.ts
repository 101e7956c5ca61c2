import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Bytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { checkRules, type Rules, text } from '../option-rules';
import { Contender } from './contender';
import { isClockFault } from './coordination-errors';
import { Deferred } from './deferred';
import { DEFAULT_LEASE_MS, DURATION_RULES, leaseDuration } from './durations';
import { holderNameOf } from './holder-name';
import { Lease } from './lease';

export interface ElectionOptions {
  /**
   * Milliseconds after which another candidate takes over if the active one fails: a whole number from 100 to
   * 3600000. Default 10000.
   */
  duration?: number;
  /** How the others see this candidate, for people. Default: the client ID. */
  name?: string;
}

const ELECTION_RULES: Rules<ElectionOptions> = { ...DURATION_RULES, name: text };

/** What a candidate is. `holder` is the name of the active one, as far as it is known. */
/** The state of a candidate. */
export interface ElectionState {
  /** Whether this candidate has the role. */
  state: 'active' | 'standby';
  /** Name of the candidate that has the role, if it is known. */
  holder: string | undefined;
}

interface ElectionEvents {
  /** The candidate became active or standby, or the active one of the others changed. */
  change: [state: ElectionState];
  /** The store could not be asked for the role; it is asked again. Nothing: it can be asked again. */
  trouble: [error: StateStoreError | undefined];
}

/** How long a candidate that resigned leaves the role to the others, in milliseconds. */
const RESIGN_GRACE_MS = 500;
/** Pause after a refusal, in milliseconds: a person has to change something. */
const REFUSED_PAUSE_MS = 10_000;

/**
 * One of several candidates for a role. One of them is active at a time. A candidate acquires the role as soon as it is free, renews it
 * while it is active, and releases it when it resigns or is closed. It changes to standby before its lease expires.
 *
 * At any moment at most one candidate that is not frozen considers itself active. A frozen process may continue its work
 * when it wakes up. Its writes carry an old {@link token}, which the store refuses.
 *
 * ```ts
 * const election = new Election(store, 'line/1/controller', { name: 'left' });
 * election.on('change', ({ state, holder }) => console.log(state, holder));
 * election.start();
 * // ...
 * await election.close();
 * ```
 */
export class Election extends EventEmitter<ElectionEvents> {
  readonly #lease: Lease;
  readonly #contender: Contender;
  readonly #name: string;
  #state: ElectionState = { state: 'standby', holder: undefined };
  #closed = false;
  #resigned = false;
  #ended = new Deferred();
  #running: Promise<void> | undefined;
  #pause: (() => void) | undefined;
  #trouble: StateStoreError | undefined;

  /** Is no candidate before {@link start}. Throws `BAD_ARGUMENT`. */
  constructor(store: StateStoreClient, role: Bytes, options: ElectionOptions = {}) {
    super();
    checkRules(options, ELECTION_RULES, { operation: 'leader' });
    const { duration, name } = options;
    this.#name = name || holderNameOf(store);
    const ms = leaseDuration(duration ?? DEFAULT_LEASE_MS);
    const id = `${this.#name}:${randomUUID()}`;
    this.#lease = new Lease(store, role, { duration: ms, id });
    this.#lease.on('lost', () => this.#ended.resolve());
    this.#contender = new Contender(
      store,
      role,
      {
        lease: () => (this.#closed ? undefined : this.#lease),
        wait: () => this.#lease.duration,
        onHolder: (holder) => {
          if (this.#state.state === 'standby') this.#become({ state: 'standby', holder });
        },
        onTrouble: (error) => this.#onTrouble(error),
      },
      { id, turns: false, caution: () => 'suspicion' },
    );
  }

  /** Whether it is active, and who is. */
  get state(): ElectionState {
    return this.active ? this.#state : { ...this.#state, state: 'standby' };
  }

  /** Whether it is active right now. Ask again after every wait. */
  get active(): boolean {
    return this.#state.state === 'active' && this.#lease.held;
  }

  /** The fencing token of the role, for every write; newer with every renewal. `undefined` while standing by. */
  get token(): string | undefined {
    return this.active ? this.#lease.token : undefined;
  }

  /** Becomes a candidate. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Hands the role over, if it is active. It stays a candidate, and acquires the role again if no other candidate does. */
  async resign(): Promise<void> {
    if (!this.active) return;
    this.#resigned = true;
    this.#standBy(undefined);
    await this.#giveBack();
    this.#ended.resolve();
  }

  /** Stops being a candidate, and releases the role. Resolves when others can acquire it, after `patience` milliseconds at most. */
  async close(patience = 2000): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#standBy(this.#state.holder);
    this.#pause?.();
    this.#contender.close();
    await this.#giveBack(patience);
    this.#ended.resolve();
    this.removeAllListeners();
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #giveBack(timeout = 2000): Promise<void> {
    await this.#lease.release({ signal: AbortSignal.timeout(timeout) }).catch(() => undefined);
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      try {
        if (!(await this.#contender.obtain())) break;
      } catch (error) {
        const known = error instanceof StateStoreError ? error : undefined;
        this.#onTrouble(known);
        if (known?.code === 'CLOSED') break;
        // With a wrong clock, every attempt keeps the role from the others for a moment.
        const isClock = isClockFault(error);
        await this.#wait(isClock ? Math.max(REFUSED_PAUSE_MS, 2 * this.#lease.duration) : REFUSED_PAUSE_MS);
        continue;
      }
      if (this.#closed) {
        await this.#giveBack();
        break;
      }
      this.#ended = new Deferred();
      this.#become({ state: 'active', holder: this.#name });
      if (this.#lease.held) await this.#ended.promise;
      this.#standBy(undefined);
      if (this.#resigned) {
        this.#resigned = false;
        await this.#contender.letOthersFirst(Math.max(RESIGN_GRACE_MS, 4 * this.#lease.roundTrip));
      }
    }
  }

  #standBy(holder: string | undefined): void {
    if (this.#state.state === 'active') this.#become({ state: 'standby', holder });
  }

  #become(state: ElectionState): void {
    if (state.state === this.#state.state && state.holder === this.#state.holder) return;
    this.#state = state;
    this.#safely(() => this.emit('change', state));
  }

  /** A listener's fault is its own: it must not end the candidacy. */
  #safely(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  #onTrouble(error: StateStoreError | undefined): void {
    if (error?.message === this.#trouble?.message) return;
    this.#trouble = error;
    this.#safely(() => this.emit('trouble', error));
  }

  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#pause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#pause = undefined;
  }
}
