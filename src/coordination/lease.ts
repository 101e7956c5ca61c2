import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Bytes, RequestOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { timeLeft } from '../client/time-left';
import { StateStoreError } from '../errors';
import { isPassing, leaseLost } from './coordination-errors';
import { DEFAULT_LEASE_MS, leaseDuration, SHORTEST_LEASE_MS } from './durations';
import { type ElapsedClock, elapsed } from './elapsed';

export interface LeaseOptions {
  /** Milliseconds the store keeps the lease without a renewal, a whole number from 100 to 3600000. Default 10000. */
  duration?: number;
  /**
   * Whom the store shows as the holder. Default: the client ID and a new UUID, so that two leases of one client exclude each
   * other. Two holders with the same text do not.
   */
  holder?: string;
}

/** Part of the duration that is given up, for clocks of different speed and late timers. */
const MARGIN = 0.1;
/** Renewals per duration. */
const RENEWALS = 3;
/** How long the store is waited for before a renewal is tried again, at least, in times of the last answer's. */
const PATIENCE_ROUND_TRIPS = 4;
/** Most and least of the pause before a renewal that failed is tried again, in milliseconds. */
const LONGEST_PAUSE_MS = 500;
const SHORTEST_PAUSE_MS = 20;

/**
 * A lease on a key of the store: at most one holder at a time, for as long as it renews (docs/protocol.md section 6).
 *
 * It is held by this machine's own time alone, that of the monotonic clock and of suspensions: from the answer of the store until
 * `duration` after the *start* of the request that got or renewed it, less a tenth. So the holder itself says `lost` while the store
 * still keeps the lease for it, and before anybody else can get it, whatever any wall clock says. It renews by itself, three times per
 * duration, through lost connections, until {@link release}.
 *
 * What it does **not** guarantee: that a process which stops running (SIGSTOP, a suspended machine) notices in time what it was in the
 * middle of; asked anew, {@link held} is right. Nor that a virtual machine whose clocks all stood still notices at all. Protect what must
 * not be written twice with {@link token}: the store refuses an older one.
 */
export class Lease extends EventEmitter<{ lost: [reason: StateStoreError] }> {
  readonly key: Bytes;
  readonly holder: string;
  readonly #store: StateStoreClient;
  readonly #clock: ElapsedClock;
  #duration: number;
  /** On its clock, in milliseconds. */
  #expires = Number.NEGATIVE_INFINITY;
  #token: string | undefined;
  /** Whether the store may keep it for us, however long. */
  #mayBeStored = false;
  #active = false;
  #renewTimer: NodeJS.Timeout | undefined;
  #lossTimer: NodeJS.Timeout | undefined;
  #trouble: StateStoreError | undefined;
  /** Milliseconds the last request for it took. */
  #roundTrip = 0;
  /** When the latest confirmed release began, on its clock. */
  #releasedAt = Number.NEGATIVE_INFINITY;
  #takenOver = true;

  /** Throws `BAD_ARGUMENT` for a duration out of range. `clock` is another one than that of the machine in tests only. */
  constructor(
    store: StateStoreClient,
    key: Bytes,
    { duration, holder }: LeaseOptions = {},
    clock: ElapsedClock = elapsed,
  ) {
    super();
    this.#store = store;
    this.#clock = clock;
    this.key = key;
    this.#duration = leaseDuration(duration ?? DEFAULT_LEASE_MS);
    this.holder = holder ?? `${store.clientId}:${randomUUID()}`;
  }

  /** Milliseconds the store keeps it without a renewal. A change counts from the next renewal on. */
  get duration(): number {
    return this.#duration;
  }
  set duration(value: number) {
    this.#duration = leaseDuration(value);
  }

  /** Whether it is held right now. Ask again after every wait. */
  get held(): boolean {
    return this.#active && this.#left > 0;
  }

  /** The fencing token of what the lease protects; newer with every renewal. `undefined` while it is not held. */
  get token(): string | undefined {
    return this.held ? this.#token : undefined;
  }

  /** When it is lost unless it is renewed, on the monotonic clock (`performance.now()`), in milliseconds. */
  get expires(): number {
    return this.#clock.onMonotonic(this.#expires);
  }

  /**
   * Whether an earlier holder may have ended without a release. No lease is shorter than {@link SHORTEST_LEASE_MS}, so none can have
   * expired when less than that passed between the start of our own release and the answer to this acquisition.
   */
  get takenOver(): boolean {
    return this.#takenOver;
  }

  /** Milliseconds until then. */
  get #left(): number {
    return this.#expires - this.#clock.now();
  }

  /** Milliseconds the last request for it took. */
  get roundTrip(): number {
    return this.#roundTrip;
  }

  /**
   * Tries once. Resolves with false when somebody else holds it; rejects when the store cannot be asked. A lease that is held is
   * renewed. A try that ended without an answer may have succeeded: try again, or {@link release}.
   */
  async tryAcquire(options: RequestOptions = {}): Promise<boolean> {
    if (!(await this.#request(options))) return false;
    if (!this.#active) {
      this.#active = true;
      this.#trouble = undefined;
      this.#takenOver = this.#clock.now() - this.#releasedAt >= SHORTEST_LEASE_MS;
      this.#releasedAt = Number.NEGATIVE_INFINITY;
    }
    if (!this.held) {
      // The answer took longer than the lease lasts.
      this.#end();
      return false;
    }
    this.#schedule();
    return true;
  }

  /**
   * Gives it back; it is not held any more from the call on. Resolves when the store has it back, with false when it was not ours
   * any more. Rejects when the store does not answer in time: it then ends by itself after its duration.
   */
  async release(options: RequestOptions = {}): Promise<boolean> {
    const { held } = this;
    this.#end();
    if (!this.#mayBeStored) return false;
    const began = this.#clock.now();
    const { deleted } = await this.#store.deleteIfValue(this.key, this.holder, {
      ...options,
      repeatable: true,
    });
    this.#mayBeStored = false;
    // After a loss, writes of the holder may still be on their way.
    if (deleted && held) this.#releasedAt = began;
    return deleted;
  }

  /** Sets the key; true when the store has it for us now, from the start of the request on. */
  async #request(options: RequestOptions): Promise<boolean> {
    const start = this.#clock.now();
    const sent = performance.now();
    this.#mayBeStored = true;
    const { stored, version } = await this.#store.set(this.key, this.holder, {
      ...options,
      ...{ condition: 'NEX', expiry: this.#duration, repeatable: true },
    });
    this.#roundTrip = performance.now() - sent;
    this.#mayBeStored = stored;
    if (!stored) return false;
    const expires = start + this.#duration * (1 - MARGIN);
    // Two requests may be under way; the later one counts.
    if (!this.#active || expires >= this.#expires) {
      this.#token = version;
      this.#expires = expires;
    }
    return true;
  }

  #schedule(): void {
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#lossTimer);
    this.#renewTimer = setTimeout(() => void this.#renew(), this.#duration / RENEWALS);
    this.#lossTimer = setTimeout(() => this.#onExpired(), Math.max(0, Math.ceil(this.#left)));
  }

  /** Renews until it succeeds, is refused, or the time is over. */
  async #renew(): Promise<void> {
    if (!this.#active) return;
    if (!this.held) {
      this.#lose(leaseLost(this.key, 'it could not be renewed in time', this.#trouble));
      return;
    }
    const left = timeLeft(this.#expires, this.#duration, this.#clock.now());
    // The timer of its end says the rest.
    if (left === undefined) return;
    // Not all of the time for one answer, which may be lost on its way.
    const patience = Math.max(this.#duration / RENEWALS, PATIENCE_ROUND_TRIPS * this.#roundTrip);
    try {
      const renewed = await this.#request({ timeout: Math.min(left, Math.ceil(patience)) });
      if (!this.#active) return;
      if (!renewed) this.#lose(leaseLost(this.key, 'somebody else holds it', undefined));
      else if (!this.held) this.#onExpired();
      else this.#schedule();
    } catch (error) {
      if (!this.#active) return;
      this.#trouble = error instanceof StateStoreError ? error : undefined;
      if (this.#trouble?.code === 'CLOSED') {
        this.#lose(leaseLost(this.key, 'the client was closed', this.#trouble));
        return;
      }
      const pause = isPassing(error) ? this.#duration / 20 : this.#duration / RENEWALS;
      clearTimeout(this.#renewTimer);
      this.#renewTimer = setTimeout(
        () => void this.#renew(),
        Math.min(Math.max(pause, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS),
      );
    }
  }

  #onExpired(): void {
    if (!this.#active) return;
    // Timers may be a little early.
    if (this.held) this.#lossTimer = setTimeout(() => this.#onExpired(), 1);
    else this.#lose(leaseLost(this.key, 'it could not be renewed in time', this.#trouble));
  }

  #lose(reason: StateStoreError): void {
    this.#end();
    this.emit('lost', reason);
  }

  #end(): void {
    this.#active = false;
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#lossTimer);
  }
}
