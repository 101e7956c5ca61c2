/**
 * The keys this client observes: one KEYNOTIFY per key however many observers it has, again after each reconnect, and STOP after the
 * last observer has left. docs/protocol.md section 7.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import { ConnectionError } from '../mqtt/connection-error';
import type { Message } from '../mqtt/publish';
import { notificationFilter, topicKey, topicKeyOf } from '../protocol/topics';
import { notifiedChange } from './notified-change';
import { abandoned, checkObservable, refusalOf } from './observe-errors';
import { ObservedEntry, type Observer, STARTED } from './observed-entry';
import type { Reading } from './observed-key';
import type { SignalListeners } from './signal-listeners';
import type { Unusable, Usable } from './usable';
import { type Limits, within } from './within';

/** The requests that observing needs. `timeout` in milliseconds. */
export interface ObserveRequests {
  /** KEYNOTIFY, or KEYNOTIFY STOP. Resolves with the version of the response. */
  notify(key: Buffer, operation: 'observe' | 'unobserve', timeout: number): Promise<string | undefined>;
  read(key: Buffer, timeout: number): Promise<Reading>;
  /** The error for a key that was not observed in time, or because there is no connection. */
  failure(key: Buffer, timeout: number, why: 'late' | Unusable): StateStoreError;
}

/** Maximum number of keys that are observed again at a time after a reconnect. */
const MAX_RENEWALS = 500;
/** Pause before a request is tried again, in milliseconds. It doubles each time. */
const RETRY_PAUSE_MS = 250;
const MAX_RETRY_PAUSE_MS = 4000;
/** Pause before observing is tried again after the connection was lost on the way, in milliseconds. */
const RECONNECT_PAUSE_MS = 100;

/** Emits `lost` when a key cannot be observed any more, because the store or the broker refuses it for good. */
export class Observations extends EventEmitter<{ lost: [key: Buffer, error: StateStoreError] }> {
  readonly #connection: Connection;
  readonly #usable: Usable;
  readonly #signals: SignalListeners;
  readonly #requests: ObserveRequests;
  readonly #filter: string;
  /** Milliseconds. */
  readonly #timeout: number;
  /** By the keys as they stand in topics. */
  readonly #entries = new Map<string, ObservedEntry>();
  /** Counts connections. */
  #number = 0;
  /** The subscription to notifications on the present connection. */
  #subscribed: Promise<void> | undefined;
  #closed = false;

  constructor(
    connection: Connection,
    { clientId, timeout }: { clientId: string; timeout: number },
    { usable, signals }: { usable: Usable; signals: SignalListeners },
    requests: ObserveRequests,
  ) {
    super();
    this.#connection = connection;
    this.#usable = usable;
    this.#signals = signals;
    this.#requests = requests;
    this.#filter = notificationFilter(clientId);
    this.#timeout = timeout;
    connection.on('state', (state) => {
      if (state.kind === 'connected') void this.#onConnected();
      else this.#subscribed = undefined;
      if (state.kind === 'stopped') this.#onStopped(state.reason);
    });
    connection.on('message', (message) => this.#onMessage(message));
  }

  /** Number of keys that are observed. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Adds an observer to a key, connecting if need be. Resolves when no change can be missed any more, with the key's current state; that
   * is certain to be fresh only if `wantsCurrent` is set. Rejects after the timeout, with the signal's reason, or when the store or the
   * broker refuses. The observer is removed then.
   */
  async add(key: Buffer, observer: Observer, limits: Limits, wantsCurrent: boolean): Promise<Reading> {
    checkObservable(key);
    const { timeout } = limits;
    const isFirst = !this.#entries.has(topicKey(key));
    const entry = this.#entries.get(topicKey(key)) ?? this.#newEntry(key);
    entry.observers.add(observer);
    entry.timeout = Math.max(entry.timeout, timeout);
    if (isFirst) this.#start(entry);
    const work =
      isFirst || !wantsCurrent
        ? entry.started
        : entry.started.then(() => this.#requests.read(key, entry.timeout));
    try {
      return await within(work, limits, this.#signals, () => this.#requests.failure(key, timeout, 'late'));
    } catch (error) {
      work.catch(() => undefined);
      void this.remove(key, observer);
      throw error;
    }
  }

  /**
   * Removes an observer. The last one of a key ends the observing of the key. Resolves when the store has answered to that, or has
   * failed to: the request is then repeated in the background. Never rejects.
   */
  async remove(key: Buffer, observer: Observer): Promise<void> {
    const entry = this.#entries.get(topicKey(key));
    if (!entry?.observers.delete(observer) || entry.observers.size > 0) return;
    this.#entries.delete(topicKey(key));
    await this.#release(entry);
  }

  /** Ends all observing. The store forgets it with the connection. */
  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.end();
    this.#entries.clear();
  }

  #newEntry(key: Buffer): ObservedEntry {
    const entry = new ObservedEntry(key, this.#timeout);
    this.#entries.set(topicKey(key), entry);
    return entry;
  }

  #start(entry: ObservedEntry): void {
    const first = this.#begin(entry);
    entry.started = first;
    first.then(
      () => {
        // The reading would keep what came with it from the socket.
        entry.started = STARTED;
      },
      () => {
        this.#drop(entry);
        void this.#release(entry);
      },
    );
  }

  /** Observes a key for the first time, across lost connections, for as long as an observer waits. */
  async #begin(entry: ObservedEntry): Promise<Reading> {
    for (;;) {
      const { timeout } = entry;
      const now = await this.#usable.wait();
      if (!now.usable) throw this.#requests.failure(entry.key, timeout, now);
      try {
        return await this.#observe(entry, timeout);
      } catch (error) {
        const refusal = refusalOf(entry.key, error);
        if (entry.observers.size === 0) throw refusal;
        const isLost = error instanceof ConnectionError;
        const isHasty = entry.timeout > timeout;
        if (!refusal.retryable || !(isLost || isHasty)) throw refusal;
        await pause(RECONNECT_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  /** Subscribes, sends KEYNOTIFY, and reads the key: after that no change is missed, and the key's state is known. */
  async #observe(entry: ObservedEntry, timeout: number): Promise<Reading> {
    const number = this.#number;
    await this.#subscribe();
    // KEYNOTIFY must not follow the STOP of the last observer.
    if (entry.observers.size === 0) throw abandoned(entry.key);
    entry.knowledge.notifySent();
    entry.mayBeStored = true;
    try {
      entry.knowledge.notifyAccepted(await this.#requests.notify(entry.key, 'observe', timeout));
    } catch (error) {
      entry.mayBeStored &&= refusalOf(entry.key, error).retryable;
      throw error;
    }
    if (entry.observers.size === 0) {
      void this.#release(entry);
      throw abandoned(entry.key);
    }
    const reading = await this.#requests.read(entry.key, timeout);
    entry.connection = number;
    entry.deliver(entry.knowledge.read(reading));
    // A delete that came with the reading is newer than the value in it.
    return entry.knowledge.exists ? reading : { found: false };
  }

  /** Once on each connection, and again after a failure. */
  async #subscribe(): Promise<void> {
    this.#subscribed ??= this.#connection.subscribe(this.#filter);
    const subscribed = this.#subscribed;
    try {
      await subscribed;
    } catch (error) {
      if (this.#subscribed === subscribed) this.#subscribed = undefined;
      throw error;
    }
  }

  #drop(entry: ObservedEntry): void {
    if (this.#entries.get(topicKey(entry.key)) === entry) this.#entries.delete(topicKey(entry.key));
  }

  /** Asks the store to stop observing a key that has no observer any more. */
  async #release(entry: ObservedEntry): Promise<void> {
    if (!entry.mayBeStored || !this.#isUnobserved(entry.key)) return;
    entry.mayBeStored = false;
    await this.#stop(entry.key);
  }

  /** Whether the store has to be asked to stop. Without a connection it has forgotten the key already. */
  #isUnobserved(key: Buffer): boolean {
    return !this.#closed && this.#connection.state.kind === 'connected' && !this.#entries.has(topicKey(key));
  }

  async #stop(key: Buffer, retryPause = RETRY_PAUSE_MS): Promise<void> {
    const number = this.#number;
    try {
      await this.#requests.notify(key, 'unobserve', this.#timeout);
    } catch (error) {
      if (!(error instanceof StateStoreError) || !error.retryable) return;
      const again = () => {
        if (this.#number === number && this.#isUnobserved(key))
          void this.#stop(key, Math.min(2 * retryPause, MAX_RETRY_PAUSE_MS));
      };
      setTimeout(again, retryPause).unref();
    }
  }

  /** Observes every key again on a new connection, many at a time. */
  async #onConnected(): Promise<void> {
    const number = ++this.#number;
    const entries = [...this.#entries.values()].values();
    const worker = async () => {
      for (const entry of entries) await this.#renew(entry, number);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_RENEWALS, this.#entries.size) }, worker));
  }

  async #renew(entry: ObservedEntry, number: number, retryPause = RETRY_PAUSE_MS): Promise<void> {
    await entry.started.catch(() => undefined);
    const isDue = () => this.#number === number && entry.connection !== number && entry.observers.size > 0;
    if (!isDue() || this.#closed) return;
    try {
      await this.#observe(entry, this.#timeout);
    } catch (error) {
      if (!isDue() || this.#closed || this.#connection.state.kind !== 'connected') return;
      const refusal = refusalOf(entry.key, error);
      if (!refusal.retryable) {
        this.#lose(entry, refusal);
        return;
      }
      const longer = Math.min(2 * retryPause, MAX_RETRY_PAUSE_MS);
      // The other keys do not wait for this one.
      setTimeout(() => void this.#renew(entry, number, longer), retryPause).unref();
    }
  }

  #lose(entry: ObservedEntry, error: StateStoreError): void {
    this.#drop(entry);
    void this.#release(entry);
    entry.end(error);
    this.emit('lost', entry.key, error);
  }

  /** No attempt to connect follows. */
  #onStopped(reason: ConnectionError): void {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries)
      entry.end(this.#requests.failure(entry.key, this.#timeout, { usable: false, reason }));
  }

  #onMessage(message: Message): void {
    if (this.#entries.size === 0) return;
    const key = topicKeyOf(message.topic, this.#filter);
    const entry = key === undefined ? undefined : this.#entries.get(key);
    const change = entry && notifiedChange(message);
    if (!change) return;
    const effect = entry.knowledge.notified(change);
    if (effect === 'read again') void this.#readAgain(entry);
    else entry.deliver(effect);
  }

  async #readAgain(entry: ObservedEntry): Promise<void> {
    try {
      while (entry.knowledge.isRereading && entry.observers.size > 0)
        entry.deliver(entry.knowledge.readAgain(await this.#requests.read(entry.key, this.#timeout)));
    } catch {
      entry.knowledge.readAgainFailed();
    }
  }
}
