import type { Observation } from '../client/observation';
import { toBytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { isPassing, ofLock } from './coordination-errors';
import { holderName } from './holder';
import type { Lease } from './lease';

/** What a contender is told while it waits. */
export interface ContenderEvents {
  /** Whether the lease is still wanted. Asked after every wait. */
  wanted(): boolean;
  /** Milliseconds that the next request may take, from 1; nothing where it is too late for one. */
  patience(): number | undefined;
  /** Somebody else has it now, or nobody else, as far as it is known. */
  onHolder(name: string | undefined): void;
  /** The store could not be asked, or can again. */
  onTrouble(error: StateStoreError | undefined): void;
}

/** Pause before the store is asked again after an error, in milliseconds. */
const RETRY_PAUSE_MS = 100;
/**
 * Who had it last lets all others have their turn first. Each of them is given this much time: so many of one's own round trips, and
 * at least so many milliseconds; all of them together no more than the most.
 */
const STEP_ROUND_TRIPS = 2;
const STEP_MS = 2;
const MOST_STEPS_MS = 50;
/** How many turns of others are remembered, to know how many there are. */
const REMEMBERED_TURNS = 32;
/** Pause before the store is asked again where the key cannot be observed, in milliseconds. */
const BLIND_PAUSE_MS = 1000;
/** How long an observation is kept after somebody else had the lease, in milliseconds. */
const LINGER_MS = 1000;

/**
 * One who wants a lease: tries, and as long as somebody else has it observes the key instead of asking again and again. A holder
 * that does not renew, or whose end is not told, is asked after twice the duration. Where the store refuses that the key be observed on,
 * it is asked every second until the next connection.
 */
export class Contender {
  readonly #store: StateStoreClient;
  readonly #lease: Lease;
  readonly #events: ContenderEvents;
  readonly #lasting: boolean;
  #observation: Observation | undefined;
  #linger: NodeJS.Timeout | undefined;
  /** Whether somebody else holds it, as far as it is known. */
  #taken = false;
  /** Whether somebody else has had it since this one had it last. */
  #passed = false;
  /** Counts deletes that were told. */
  #freed = 0;
  /** Whether the next try is for a lease that just became free. */
  #hope = false;
  /** Who had it last, as was told; `undefined` when it has been free since. */
  #lastHolder: string | undefined;
  /** Who of the others had the last turns, the latest one last. */
  readonly #others: string[] = [];
  /** How many turns others have had since ours. */
  #turns = 0;
  #wasConnected = false;
  #listening = false;
  /** Why the key is not observed any more; that is tried again with the next connection. */
  #blinded: StateStoreError | undefined;
  /** Nothing is taken before, on the monotonic clock in milliseconds. */
  #notBefore = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #closed = false;
  /** Ends the try under way when the lease is not wanted any more: without a connection it would wait for long. */
  #abort = new AbortController();
  #trying = false;

  /**
   * `lasting`: it observes the key for good, once it does. And it is cautious: a broker that lost our session may have lost all keys,
   * the one of a holder who does not know yet among them; so for the duration of the lease it takes nothing.
   */
  constructor(store: StateStoreClient, lease: Lease, events: ContenderEvents, lasting = false) {
    this.#lasting = lasting;
    this.#wasConnected = store.state.kind === 'connected';
    this.#store = store;
    if (lasting) this.#listen();
    this.#lease = lease;
    this.#events = events;
  }

  /** Resolves with true when the lease is held, with false when it is not wanted any more. Rejects when that is in vain. */
  async obtain(): Promise<boolean> {
    while (this.#isWanted) {
      if (this.#taken && this.#observation) {
        await this.#wait(2 * this.#lease.duration, () => {
          this.#taken = false;
        });
        this.#hope = !this.#taken;
        continue;
      }
      const caution = this.#notBefore - performance.now();
      if (caution > 0) {
        await this.#observeSomehow();
        await this.#wait(caution);
        continue;
      }
      if (this.#hope) await this.#letFirst();
      if (!this.#isWanted) break;
      if (this.#taken && this.#observation) continue;
      if (await this.#try()) return true;
    }
    // A try without an answer may have succeeded. Who closes gives it back on its own.
    if (!this.#closed) this.#lease.release().catch(() => undefined);
    return false;
  }

  /** After the lease was given back: waits `grace` milliseconds, less if it is told that somebody else has it, or had it already. */
  async yield(grace: number): Promise<void> {
    const end = performance.now() + grace;
    while (!this.#passed && this.#isWanted && performance.now() < end)
      await this.#wait(end - performance.now());
  }

  /** Whether somebody else had the lease not long ago. */
  get contested(): boolean {
    return this.#observation !== undefined;
  }

  /** Looks again whether the lease is wanted. */
  look(): void {
    if (!this.#isWanted) this.#giveUp();
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#unlisten();
    clearTimeout(this.#linger);
    this.#giveUp();
    this.#wake?.();
    void this.#unobserve();
  }

  #giveUp(): void {
    if (!this.#trying) return;
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  get #isWanted(): boolean {
    return !this.#closed && this.#events.wanted();
  }

  readonly #onState = (state: StateStoreClient['state']): void => {
    if (state.kind !== 'connected') return;
    this.#blinded = undefined;
    if (!this.#lasting) {
      if (!this.#observation) this.#unlisten();
      return;
    }
    const isFirst = !this.#wasConnected;
    this.#wasConnected = true;
    // The holder itself renews its lease, and needs no caution.
    if (!isFirst && !state.resumed && !this.#lease.held)
      this.#notBefore = performance.now() + this.#lease.duration;
  };

  readonly #onObservationLost = (key: Buffer, error: StateStoreError): void => {
    if (!this.#observation || !key.equals(toBytes('key', this.#lease.key))) return;
    clearTimeout(this.#linger);
    this.#blinded = ofLock(error, this.#lease.key, this.#store.keyPrefix);
    void this.#unobserve();
    // The holder needs no observation.
    if (!this.#lease.held) this.#events.onTrouble(this.#blinded);
    // What it waits for is not told any more.
    this.#wake?.();
  };

  /** To know the holder while it waits; a failure is met again when it tries. */
  async #observeSomehow(): Promise<void> {
    if (this.#blinded) return;
    await this.#observe().catch(() => undefined);
  }

  async #try(): Promise<boolean> {
    const freed = this.#freed;
    this.#hope = false;
    const timeout = this.#events.patience();
    if (timeout === undefined) {
      // Who wants it gives up in a moment, or somebody with more time comes.
      await this.#wait(RETRY_PAUSE_MS);
      return false;
    }
    const { signal } = this.#abort;
    this.#trying = true;
    try {
      const mine = await this.#lease.tryAcquire({ timeout, signal });
      this.#trying = false;
      this.#events.onTrouble(mine ? undefined : this.#blinded);
      if (mine && performance.now() < this.#notBefore) {
        // The request was sent again to a store that may have lost the key of the present holder.
        await this.#lease.release();
        return false;
      }
      if (mine) {
        this.#taken = false;
        this.#passed = false;
        this.#turns = 0;
        return true;
      }
      if (this.#observation) {
        // A delete that was told meanwhile came after this try.
        this.#taken = this.#freed === freed;
      } else if (this.#blinded) {
        await this.#wait(BLIND_PAUSE_MS);
      } else {
        // Tried again before waiting: it may have become free before it was observed.
        await this.#observe();
      }
    } catch (error) {
      this.#trying = false;
      if (!signal.aborted) await this.#onError(error);
    }
    return false;
  }

  async #onError(error: unknown): Promise<void> {
    const known =
      error instanceof StateStoreError ? ofLock(error, this.#lease.key, this.#store.keyPrefix) : error;
    if (!isPassing(error)) throw known;
    this.#events.onTrouble(known as StateStoreError);
    // Without a connection the request waits by itself; where it fails at once, this must not spin.
    await this.#wait(RETRY_PAUSE_MS);
  }

  async #observe(): Promise<void> {
    if (this.#observation) return;
    const observation = await this.#store.observe(
      this.#lease.key,
      (change) => {
        if (change.operation === 'delete') {
          this.#freed++;
          this.#taken = false;
          this.#lastHolder = undefined;
          this.#events.onHolder(undefined);
        } else {
          const holder = change.value.toString();
          this.#taken = holder !== this.#lease.holder;
          // That it is ours is known when the answer comes.
          if (this.#taken) {
            if (holder !== this.#lastHolder) this.#onTurn(holder);
            this.#passed = true;
            this.#keepObserving();
            this.#events.onHolder(holderName(holder));
          }
        }
        this.#wake?.();
      },
      { current: true },
    );
    if (this.#closed) {
      await observation.close();
      return;
    }
    this.#observation = observation;
    this.#listen();
    this.#keepObserving();
  }

  /** The observation ends when nobody else had the lease for a while. */
  #keepObserving(): void {
    if (this.#lasting || this.#closed) return;
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => {
      if (this.#taken) this.#keepObserving();
      else void this.#unobserve();
    }, LINGER_MS).unref();
  }

  async #unobserve(): Promise<void> {
    const observation = this.#observation;
    this.#observation = undefined;
    if (!this.#lasting && !this.#blinded) this.#unlisten();
    await observation?.close().catch(() => undefined);
  }

  /** There may be as many contenders as keys, so one listens only while there is something to hear. */
  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#store.on('state', this.#onState);
    this.#store.on('observationLost', this.#onObservationLost);
  }

  #unlisten(): void {
    if (!this.#listening) return;
    this.#listening = false;
    this.#store.off('state', this.#onState);
    this.#store.off('observationLost', this.#onObservationLost);
  }

  /** Until something is told, or the time is over. */
  async #wait(ms: number, onTime: () => void = () => undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        onTime();
        done();
      }, ms);
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
    });
  }

  /** Gives those a chance whose turn it is; a little chance decides between those who have waited for the same number of turns. */
  async #letFirst(): Promise<void> {
    const step = Math.max(STEP_MS, STEP_ROUND_TRIPS * this.#lease.roundTrip);
    const others = new Set(this.#others).size;
    // The only other one gave it back just now.
    if (others <= 1 && this.#turns > 0) return;
    const before = Math.max(0, others - this.#turns);
    await this.#wait(Math.min(MOST_STEPS_MS, step * (before + Math.random() / (1 + this.#turns))));
  }

  #onTurn(holder: string): void {
    this.#lastHolder = holder;
    this.#turns++;
    this.#others.push(holder);
    if (this.#others.length > REMEMBERED_TURNS) this.#others.shift();
  }
}
