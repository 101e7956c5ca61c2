import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Bytes, RequestOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { connectionTrouble, isClockFault, isRetryable, leaseLost, noToken } from './coordination-errors';
import { DEFAULT_LEASE_MS, leaseDuration, SHORTEST_LEASE_MS } from './durations';
import { type ElapsedClock, elapsed } from './elapsed';
import { holderText } from './holder';
import { holderNameOf } from './holder-name';
import type { LeaseOptions } from './lease-options';
import { Validity } from './validity';

export type { LeaseOptions } from './lease-options';

/** Renewals per duration. */
const RENEWALS = 3;
/** A renewal is given up and sent again after a third of the duration, or after so many round trips if that is longer. */
const RENEWAL_ROUND_TRIPS = 4;
/** Longest and shortest pause before a renewal that failed is sent again, in milliseconds. */
const LONGEST_PAUSE_MS = 500;
const SHORTEST_PAUSE_MS = 20;
/** Requests of leases go out before all others, and are idempotent. */
const REQUEST = { repeatable: true, urgent: true } as const;

interface LeaseEvents {
  /** The lease is not held any more, although it was not released. */
  lost: [reason: StateStoreError];
}

/**
 * A lease on a key of the store: at most one holder at a time, for as long as it renews (docs/protocol.md section 6).
 *
 * The holder uses the clock of its own computer only (the monotonic clock and suspensions): the lease is held from the
 * response of the store until `duration` after the *start* of the request that acquired or renewed it, less a tenth. So the holder
 * emits `lost` while the store still keeps the lease for it, and before another client can acquire it, for any wall clock. It
 * renews three times per duration and after each reconnect, until {@link release}.
 *
 * Not guaranteed: a process that stops running (SIGSTOP, a suspended computer) may notice the loss late, in the middle of its work.
 * {@link held} is right whenever it is read. A virtual machine whose clocks all stop does not notice the pause at all. Protect writes that
 * must not be repeated with {@link token}: the store refuses an older one.
 */
export class Lease extends EventEmitter<LeaseEvents> {
  /** Key of the lease. */
  readonly key: Bytes;
  readonly #holder: string | undefined;
  readonly #id: string;
  /** Counts releases without a response. */
  #term = 0;
  #releasing: Promise<unknown> = Promise.resolve();
  /** Milliseconds the store keeps the lease without a renewal. */
  readonly duration: number;
  readonly #store: StateStoreClient;
  readonly #clock: ElapsedClock;
  readonly #validity: Validity;
  /** Whether the store may keep the lease for this holder, for however long. */
  #mayBeStored = false;
  #active = false;
  #renewTimer: NodeJS.Timeout | undefined;
  #lossTimer: NodeJS.Timeout | undefined;
  #trouble: StateStoreError | undefined;
  #roundTrip = 0;
  /** When the latest confirmed release of a lease that was held began, on its clock. */
  #releasedAt = Number.NEGATIVE_INFINITY;
  #takenOver = true;

  /** Throws `BAD_ARGUMENT` for a duration out of range. Tests may pass another `clock` than that of the machine. */
  constructor(
    store: StateStoreClient,
    key: Bytes,
    { duration, holder, id }: LeaseOptions = {},
    clock: ElapsedClock = elapsed,
  ) {
    super();
    this.#store = store;
    this.#clock = clock;
    this.key = key;
    this.duration = leaseDuration(duration ?? DEFAULT_LEASE_MS);
    this.#validity = new Validity(this.duration, clock);
    this.#id = id ?? `${holderNameOf(store)}:${randomUUID()}`;
    this.#holder = holder;
  }

  /** The text that the store keeps for the holder. It changes after a release without a response, unless it was given. */
  get holder(): string {
    return this.#holder ?? holderText(this.#id, this.duration, this.#term);
  }

  /** Whether the lease is held right now. Ask again after every wait. */
  get held(): boolean {
    return this.#active && this.#validity.left > 0;
  }

  /** The fencing token for what the lease protects; newer with every renewal. `undefined` while the lease is not held. */
  get token(): string | undefined {
    return this.held ? this.#validity.token : undefined;
  }

  /** When the lease is lost unless it is renewed, on the monotonic clock (`performance.now()`), in milliseconds. */
  get expires(): number {
    return this.#validity.end;
  }

  /**
   * Whether an earlier holder may have ended without a release. No lease is shorter than 100 ms, so none can have
   * expired when less than that passed between the start of our own release and the answer to this acquisition.
   */
  get takenOver(): boolean {
    return this.#takenOver;
  }

  /** Milliseconds the last request took. */
  get roundTrip(): number {
    return this.#roundTrip;
  }

  /**
   * Tries once. Resolves with false if another client holds the lease; rejects if the store cannot be asked. A lease that is held is
   * renewed. An attempt that ended without a response may have succeeded: try again, or {@link release}.
   */
  async tryAcquire(options: RequestOptions = {}): Promise<boolean> {
    await this.#releasing;
    if (!(await this.#request(options))) return false;
    if (!this.#active) {
      this.#active = true;
      this.#trouble = undefined;
      this.#takenOver = this.#clock.now() - this.#releasedAt >= SHORTEST_LEASE_MS;
      this.#releasedAt = Number.NEGATIVE_INFINITY;
      this.#store.on('state', this.#onState);
    }
    if (!this.held) {
      // The response took longer than the lease lasts.
      this.#end();
      return false;
    }
    this.#schedule();
    return true;
  }

  /**
   * Releases the lease; it is not held any more from the call on. Resolves when another client can acquire it, with false if it did not
   * belong to this holder any more. Rejects if the store does not answer in time: the lease then expires after its duration.
   */
  async release(options: RequestOptions = {}): Promise<boolean> {
    const { held } = this;
    this.#end();
    if (!this.#mayBeStored) return false;
    const began = this.#clock.now();
    const request = Object.assign({}, options, REQUEST);
    const releasing = this.#store.deleteIfValue(this.key, this.holder, request);
    this.#releasing = releasing.catch(() => {
      // It may still be executed, also after the next acquisition, which therefore has another text.
      this.#term++;
    });
    this.#mayBeStored = false;
    const { deleted } = await releasing;
    // After a loss, writes of the holder may still be on their way.
    if (deleted && held) this.#releasedAt = began;
    return deleted;
  }

  /** {@link release}. A lease that could not be released expires after its duration. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => undefined);
  }

  /** Sets the key. Resolves with true if the store keeps the lease for this holder, from the start of the request on. */
  async #request(options: RequestOptions): Promise<boolean> {
    const start = this.#clock.now();
    const sent = performance.now();
    this.#mayBeStored = true;
    // Much faster in V8 than a spread that is followed by more properties.
    const request = Object.assign({ condition: 'NEX' as const, expiry: this.duration }, options, REQUEST);
    const { stored, version } = await this.#store.set(this.key, this.holder, request);
    this.#roundTrip = performance.now() - sent;
    this.#mayBeStored = stored;
    if (stored && version === undefined) {
      this.release().catch(() => undefined);
      throw noToken(this.key);
    }
    if (stored) this.#validity.confirm(start, version);
    return stored;
  }

  #schedule(): void {
    this.#renewIn(this.duration / RENEWALS);
    clearTimeout(this.#lossTimer);
    this.#lossTimer = setTimeout(() => this.#onExpired(), Math.max(0, Math.ceil(this.#validity.left)));
  }

  #renewIn(ms: number): void {
    clearTimeout(this.#renewTimer);
    this.#renewTimer = setTimeout(() => void this.#renew(), ms);
  }

  /** The store may have lost its memory while there was no connection, so the holder is the first to ask. */
  readonly #onState = ({ kind }: StateStoreClient['state']): void => {
    if (kind === 'connected') this.#renewIn(0);
  };

  /** Renews until that succeeds or is refused, or the lease is over. */
  async #renew(): Promise<void> {
    if (!this.#active || !this.held) {
      this.#onExpired();
      return;
    }
    const patience = Math.max(this.duration / RENEWALS, RENEWAL_ROUND_TRIPS * this.#roundTrip);
    const timeout = Math.max(1, Math.ceil(Math.min(this.#validity.left, patience)));
    try {
      // A signal, not a timeout: a renewal that is given up does not end the connection, which all requests share.
      const renewed = await this.#request({ signal: AbortSignal.timeout(timeout) });
      if (!this.#active) return;
      if (!renewed) this.#lose('another client holds it', undefined);
      else if (!this.held) this.#onExpired();
      else this.#schedule();
    } catch (error) {
      if (this.#active) this.#onFailedRenewal(error);
    }
  }

  #onFailedRenewal(error: unknown): void {
    // The signal's own reason explains nothing.
    if (error instanceof StateStoreError) this.#trouble = error;
    if (this.#trouble?.code === 'CLOSED') {
      this.#lose('the client was closed', this.#trouble);
    } else if (isClockFault(error)) {
      // The store executes renewals whose responses cannot be used: the key would be kept from all other clients permanently.
      this.#lose('the clock of this computer is wrong', this.#trouble);
      this.release().catch(() => undefined);
    } else {
      const isFinal = error instanceof StateStoreError && !isRetryable(error);
      const pause = isFinal ? this.duration / RENEWALS : this.duration / 20;
      this.#renewIn(Math.min(Math.max(pause, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS));
    }
  }

  #onExpired(): void {
    if (!this.#active) return;
    // Timers may be a little early.
    if (this.held) this.#lossTimer = setTimeout(() => this.#onExpired(), 1);
    else this.#lose('it could not be renewed in time', connectionTrouble(this.#store) ?? this.#trouble);
  }

  #lose(why: string, cause: StateStoreError | undefined): void {
    this.#end();
    this.emit('lost', leaseLost(this.key, why, cause));
  }

  #end(): void {
    this.#active = false;
    this.#store.off('state', this.#onState);
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#lossTimer);
  }
}
