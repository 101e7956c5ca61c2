import type { Bytes } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { Caution } from './caution';
import type { ContenderEvents, ContenderOptions } from './contender-events';
import { clockFault, isClockFault, ofLock } from './coordination-errors';
import { type Holder, parseHolder } from './holder';
import type { Lease } from './lease';
import { type LeaseState, LeaseWatch } from './lease-watch';
import { NextWaiter } from './next-waiter';
import { Wakeup } from './wakeup';

/** First and longest pause before the store is asked again after an error, in milliseconds. */
const RETRY_MS = { first: 50, longest: 500 };
/** How long a busy client observes the key after another client held the lease, in milliseconds. */
const LINGER_MS = 1000;
/** How long a waiter relies on its notifications at least, before it asks the store again, in milliseconds. */
const RELY_MS = 1000;
/** The same as a part of the lease. A holder that lives is reported at each renewal, after a third of its lease. */
const RELY_LEASES = 0.5;

/**
 * A client that wants a lease. It tries to acquire it, and while another client holds it observes the key instead of asking again. A
 * holder that does not renew, or whose end was not reported, is tested after half of its lease.
 */
export class Contender {
  readonly #store: StateStoreClient;
  readonly #events: ContenderEvents;
  readonly #options: ContenderOptions;
  readonly #watch: LeaseWatch;
  readonly #next: NextWaiter | undefined;
  readonly #caution: Caution;
  readonly #wakeup = new Wakeup();
  /** The ID of the holder that was reported last; `undefined` since the lease was free. */
  #holder: string | undefined;
  /** How often another client was seen to acquire the lease, and when that was last, on the monotonic clock in milliseconds. */
  #others = 0;
  #otherSeenAt = Number.NEGATIVE_INFINITY;
  /** The same when this contender acquired it. */
  #othersBefore = 0;
  /** Why the key is not observed any more. It is tried again with the next connection. */
  #unobserved: StateStoreError | undefined;
  #retryMs = RETRY_MS.first;
  /** Ends the attempt in flight if its connection is lost, or the lease is not wanted any more. */
  #abort = new AbortController();
  /** Until then the client keeps its listener at the signal, which costs as much as a request to add and remove. */
  #unlisten: () => void;
  #obtaining = false;
  #closed = false;

  constructor(store: StateStoreClient, key: Bytes, events: ContenderEvents, options: ContenderOptions) {
    this.#store = store;
    this.#events = events;
    this.#options = options;
    this.#caution = new Caution(store, options.caution, () => this.#watch.longest);
    this.#watch = new LeaseWatch(store, key, {
      onChange: (state) => this.#onChange(state),
      onLost: (error) => this.#onUnobserved(ofLock(error, key, store.keyPrefix)),
    });
    if (options.turns) this.#next = new NextWaiter(store, key, () => this.#wakeup.wake());
    this.#unlisten = store.listenTo(this.#abort.signal);
    store.on('state', this.#onState);
  }

  /** Resolves with a lease that is held, or with undefined if no lease is wanted any more. Rejects if the connection will not be usable. */
  async obtain(): Promise<Lease | undefined> {
    this.#obtaining = true;
    try {
      return await this.#obtain();
    } finally {
      this.#obtaining = false;
    }
  }

  async #obtain(): Promise<Lease | undefined> {
    let tried: Lease | undefined;
    for (let lease = this.#wanted; lease; lease = this.#wanted) {
      try {
        // The outcome of an earlier attempt may be unknown: it must not exclude this one.
        if (tried && tried !== lease) await tried.release();
        tried = lease;
        if (this.#store.state.kind !== 'connected')
          await this.#store.connect({ timeout: lease.duration, signal: this.#abort.signal });
        if (await this.#hasToWait(lease)) continue;
        if (await this.#try(lease)) return lease;
      } catch (error) {
        await this.#onError(error, lease);
      }
    }
    // Closing releases the lease itself.
    if (!this.#closed) tried?.release().catch(() => undefined);
    this.#next?.leave(this.#options.id);
    return undefined;
  }

  /** After a release: waits until another client holds the lease, `ms` milliseconds at most. */
  async letOthersFirst(ms: number): Promise<void> {
    const end = performance.now() + ms;
    await this.#observe().catch(() => undefined);
    for (let left = ms; left > 0 && this.#wanted; left = end - performance.now()) {
      if (this.#others > this.#othersBefore) return;
      await this.#wakeup.wait(left);
    }
  }

  /** Whether another client is known to wait for the lease. */
  get hasNext(): boolean {
    return this.#next?.turns.hasOther(this.#options.id) ?? false;
  }

  /** Finds out by one request whether another client waits; if so, observes the waiters from now on. */
  async lookForNext(): Promise<void> {
    if (this.#watch.state.kind !== 'unknown') return;
    if (await this.#next?.hasOther(this.#options.id)) await this.#observe().catch(() => undefined);
  }

  /** Stops observing the key until that is needed again, unless other clients wanted the lease lately. */
  rest(): void {
    if (this.hasNext || performance.now() - this.#otherSeenAt < LINGER_MS) return;
    this.#unobserve();
  }

  #unobserve(): void {
    void this.#watch.close();
    this.#next?.close();
  }

  /** Checks again whether the lease is wanted. */
  look(): void {
    if (!this.#wanted) this.#giveUp();
    this.#wakeup.wake();
  }

  close(): void {
    this.#closed = true;
    this.#store.off('state', this.#onState);
    this.#unobserve();
    this.look();
    this.#unlisten();
  }

  get #wanted(): Lease | undefined {
    return this.#closed ? undefined : this.#events.lease();
  }

  /** Whether it waited, because the lease cannot be acquired yet. */
  async #hasToWait(lease: Lease): Promise<boolean> {
    const caution = await this.#caution.waitFor(lease);
    if (caution > 0) {
      await this.#observe();
      await this.#wakeup.wait(caution);
      return true;
    }
    const { state } = this.#watch;
    if (state.kind === 'unknown') return false;
    const me = { id: this.#options.id, roundTrip: lease.roundTrip };
    // Our own release has not been reported yet: it is free for us, unless another waiter is next.
    const isOurs = state.kind === 'held' && state.holder === lease.holder && !this.hasNext;
    const isHeld = state.kind === 'held' && !isOurs;
    const delay = this.#next?.turns.delayOf(me) ?? 0;
    const left = state.kind === 'free' ? state.since + delay - performance.now() : 0;
    if (!isHeld && left <= 0) return false;
    this.#next?.announce(me, this.#events.wait());
    if (isHeld) await this.#wakeup.wait(relyMs(state.holder), () => this.#watch.doubt());
    else await this.#wakeup.wait(left);
    return true;
  }

  async #try(lease: Lease): Promise<boolean> {
    const before = this.#watch.state;
    const isReported = before.kind !== 'free' || !before.isGuess;
    const { signal } = this.#abort;
    const mine = (await lease.tryAcquire({ signal })) && (await this.#caution.keeps(lease, isReported));
    this.#retryMs = RETRY_MS.first;
    this.#events.onTrouble(mine ? undefined : this.#unobserved);
    if (mine) {
      this.#othersBefore = this.#others;
      this.#next?.acquired(this.#options.id);
      return true;
    }
    // A notification that came meanwhile is newer than the response.
    if (this.#watch.state.kind !== 'unknown') {
      if (this.#watch.state === before) this.#watch.missed();
    } else if (this.#unobserved) await this.#wakeup.wait(RELY_MS);
    else await this.#observe();
    return false;
  }

  async #onError(error: unknown, lease: Lease): Promise<void> {
    if (this.#abort.signal.aborted) {
      this.#unlisten();
      this.#abort = new AbortController();
      if (!this.#closed) this.#unlisten = this.#store.listenTo(this.#abort.signal);
      return;
    }
    if (!(error instanceof StateStoreError)) throw error;
    if (isClockFault(error)) {
      await lease.release().catch(() => undefined);
      throw clockFault(lease.key, error);
    }
    const known = ofLock(error, lease.key, this.#store.keyPrefix);
    if (!error.retryable) throw known;
    this.#caution.doubt();
    this.#events.onTrouble(known);
    await this.#wakeup.wait(this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS.longest);
  }

  async #observe(): Promise<void> {
    if (this.#unobserved) return;
    await this.#next?.open();
    await this.#watch.open();
  }

  #onChange(state: LeaseState): void {
    if (state.kind === 'free') {
      this.#holder = undefined;
      this.#events.onHolder(undefined);
    } else if (state.kind === 'held' && state.holder !== undefined) {
      this.#onHeld(parseHolder(state.holder));
    }
    this.#wakeup.wake();
  }

  #onHeld({ id, name }: Holder): void {
    const isRenewal = id === this.#holder;
    this.#holder = id;
    if (isRenewal || id === this.#options.id) return;
    this.#others++;
    this.#otherSeenAt = performance.now();
    this.#next?.acquiredBy(id, this.#options.id);
    this.#events.onHolder(name);
  }

  #onUnobserved(error: StateStoreError): void {
    this.#unobserved = error;
    this.#events.onTrouble(error);
    this.#wakeup.wake();
  }

  readonly #onState = ({ kind }: StateStoreClient['state']): void => {
    if (kind === 'connected') this.#unobserved = undefined;
    if (kind !== 'connected' && kind !== 'connecting') this.#giveUp();
  };

  #giveUp(): void {
    if (this.#obtaining) this.#abort.abort();
    this.#wakeup.wake();
  }
}

/** Of a holder that is not named since the store was asked, and of other clients, no renewal is expected. */
function relyMs(holder: string | undefined): number {
  const { duration = 0 } = parseHolder(holder ?? '');
  return Math.max(RELY_MS, duration * RELY_LEASES);
}
