/**
 * The keys this client observes: one KEYNOTIFY per key however many watch it, again after each reconnect, and every change
 * once, in the order of versions. docs/protocol.md section 7.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { printableKey, StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import type { Message } from '../mqtt/publish';
import { compareHlc, type Hlc, parseHlc } from '../protocol/hlc';
import { type Notification, parseNotification } from '../protocol/notifications';
import { MAX_OBSERVED_KEY_BYTES, notificationFilter, topicKey, topicKeyOf } from '../protocol/topics';
import { TIMESTAMP } from '../protocol/user-properties';
import { finalRefusal } from './final-refusal';

/** One change of an observed key. `version` is absent where a key was found to be gone after a reconnect. */
export type Change =
  | { operation: 'set'; key: Buffer; value: Buffer; version?: string }
  | { operation: 'delete'; key: Buffer; version?: string };

export type ChangeHandler = (change: Change) => void;

/** What a key holds, as {@link Observations} need to know it. */
export type Reading = { found: true; value: Buffer; version?: string } | { found: false };

/** The requests that observing needs. */
export interface ObserveRequests {
  /** KEYNOTIFY, or KEYNOTIFY STOP. Resolves with the version of the answer. */
  notify(key: Buffer, operation: 'observe' | 'unobserve'): Promise<string | undefined>;
  read(key: Buffer): Promise<Reading>;
}

interface Entry {
  key: Buffer;
  handlers: Set<ChangeHandler>;
  /** Settles with the first KEYNOTIFY of the key. */
  started: Promise<unknown>;
  /** Number of the connection on which the key was last observed and read; 0 before the first time. */
  connection: number;
  /** Version of the latest change, or of what was read. */
  latest: Hlc | undefined;
  /** Version of the KEYNOTIFY before the latest reading, which covers everything that is not newer. */
  covered: Hlc | undefined;
  /** As it was told last. */
  exists: boolean;
  /** Whether notifications are heeded: before the first KEYNOTIFY was answered, they are of an earlier observation. */
  heeding: boolean;
  /** Whether a notification brought news since the last KEYNOTIFY was sent. */
  told: boolean;
  /**
   * Set when the key was found to be missing and no version tells since when: a notification may then be older than the
   * reading, and does not count before the key was read again.
   */
  doubtful: boolean;
  /** While a key in doubt is read again: whether one more notification came. */
  checking: 'no' | 'once' | 'again';
}

const STARTED = Promise.resolve();
/** How many keys are observed again at a time after a reconnect. */
const RENEWALS = 500;
/** Pause before a key is tried again, in milliseconds; each time it doubles. */
const RETRY_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4000;

/** Emits `lost` when a key can no longer be observed, because the store or the broker refuses. */
export class Observations extends EventEmitter<{ lost: [key: Buffer, error: StateStoreError] }> {
  readonly #connection: Connection;
  readonly #filter: string;
  readonly #requests: ObserveRequests;
  /** By their keys as they stand in topics. */
  readonly #entries = new Map<string, Entry>();
  /** Counts connections. */
  #number = 0;
  /** The subscription to notifications on the present connection. */
  #subscribed: Promise<void> | undefined;

  constructor(connection: Connection, clientId: string, requests: ObserveRequests) {
    super();
    this.#connection = connection;
    this.#filter = notificationFilter(clientId);
    this.#requests = requests;
    connection.on('state', ({ kind }) => {
      if (kind === 'connected') void this.#onConnected();
      else this.#subscribed = undefined;
    });
    connection.on('message', (message) => this.#onMessage(message));
  }

  /** How many keys are observed. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Adds a handler to a key and resolves when no change can be missed any more, with what the key held at that moment.
   * Call it only while connected. Rejects when the store or the broker refuses.
   */
  async add(key: Buffer, handler: ChangeHandler): Promise<Reading> {
    checkLength(key);
    const found = this.#entries.get(topicKey(key));
    const entry = found ?? this.#newEntry(key);
    entry.handlers.add(handler);
    try {
      if (!found) {
        const first = this.#observe(entry);
        // Not the first one itself: it would keep what was read, and with it all that came with that from the socket.
        entry.started = first.then(() => undefined);
        entry.started.catch(() => undefined);
        return await first;
      }
      await entry.started; // who joins shares the fate of the first
      return await this.#requests.read(key);
    } catch (error) {
      this.#forget(entry, handler);
      throw error;
    }
  }

  /** Takes a handler away; with the last one of a key the store is told to stop. */
  async remove(key: Buffer, handler: ChangeHandler): Promise<void> {
    const entry = this.#entries.get(topicKey(key));
    if (!entry?.handlers.has(handler)) return;
    this.#forget(entry, handler);
    // Without a connection the store has forgotten already.
    if (entry.handlers.size > 0 || this.#connection.state.kind !== 'connected') return;
    await this.#requests.notify(key, 'unobserve');
  }

  #newEntry(key: Buffer): Entry {
    const entry: Entry = {
      key,
      handlers: new Set<ChangeHandler>(),
      started: STARTED,
      connection: 0,
      latest: undefined,
      covered: undefined,
      exists: false,
      heeding: false,
      told: false,
      doubtful: false,
      checking: 'no',
    };
    this.#entries.set(topicKey(key), entry);
    return entry;
  }

  #forget(entry: Entry, handler: ChangeHandler): void {
    entry.handlers.delete(handler);
    if (entry.handlers.size === 0 && this.#entries.get(topicKey(entry.key)) === entry) {
      this.#entries.delete(topicKey(entry.key));
    }
  }

  /** Subscribes, tells the store, and reads the key: after that no change is missed, and what is there is known. */
  async #observe(entry: Entry): Promise<Reading> {
    const number = this.#number;
    await this.#subscribe();
    // The store was told to stop before it was asked to begin, or nobody was there to be told about.
    if (entry.handlers.size === 0) throw nobodyObserves(entry.key);
    entry.told = false;
    const version = await this.#requests.notify(entry.key, 'observe');
    if (entry.handlers.size === 0) throw nobodyObserves(entry.key);
    const covered = version === undefined ? undefined : parseHlc(version);
    if (!entry.heeding) entry.covered = covered;
    entry.heeding = true;
    const reading = await this.#requests.read(entry.key);
    const isFirst = entry.connection === 0;
    entry.connection = number;
    if (isFirst && !entry.told) {
      entry.exists = reading.found;
      entry.latest = versionOf(reading);
      entry.doubtful = !reading.found && !covered;
    } else if (reading.found) {
      this.#compare(entry, reading);
    } else {
      this.#missing(entry, covered);
    }
    if (covered) entry.covered = covered;
    return reading;
  }

  /** Once on each connection; again after a failure. */
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

  /** Observes every key again on a new connection, many at a time. */
  async #onConnected(): Promise<void> {
    const number = ++this.#number;
    const entries = [...this.#entries.values()].values();
    const worker = async () => {
      for (const entry of entries) await this.#renew(entry, number);
    };
    await Promise.all(Array.from({ length: Math.min(RENEWALS, this.#entries.size) }, worker));
  }

  async #renew(entry: Entry, number: number, retryPause = RETRY_PAUSE_MS): Promise<void> {
    await entry.started.catch(() => undefined);
    // Until it succeeds, or the next connection takes over.
    while (this.#number === number && entry.connection !== number && entry.handlers.size > 0) {
      try {
        await this.#observe(entry);
      } catch (error) {
        if (this.#connection.state.kind !== 'connected') return;
        const refusal = finalRefusal(error);
        if (refusal) {
          this.#entries.delete(topicKey(entry.key));
          this.emit('lost', entry.key, refusal);
          return;
        }
        // A full queue says no at once; without a pause nothing else would get a turn.
        if (isFullQueue(error)) await pause(RETRY_PAUSE_MS, undefined, { ref: false });
        else {
          const longer = Math.min(2 * retryPause, LONGEST_PAUSE_MS);
          // The other keys do not wait for this one.
          setTimeout(() => void this.#renew(entry, number, longer), retryPause).unref();
          return;
        }
      }
    }
  }

  #onMessage(message: Message): void {
    if (this.#entries.size === 0) return;
    const key = topicKeyOf(message.topic, this.#filter);
    const entry = key && this.#entries.get(key);
    if (!entry) return;
    const { payload } = message;
    const version = message.userProperty(TIMESTAMP);
    const told = version === undefined ? {} : { version };
    let notification: Notification;
    try {
      notification = parseNotification(payload);
    } catch {
      return; // What nobody can read changes nothing.
    }
    if (!entry.heeding) return;
    if (entry.doubtful) {
      void this.#check(entry);
      return;
    }
    const isNews = this.#notified(
      entry,
      notification.operation === 'set'
        ? { operation: 'set', key: entry.key, value: Buffer.from(notification.value), ...told }
        : { operation: 'delete', key: entry.key, ...told },
    );
    entry.told ||= isNews;
  }

  /** Reads a key in doubt again after a notification; several are taken together. */
  async #check(entry: Entry): Promise<void> {
    const busy = entry.checking !== 'no';
    entry.checking = busy ? 'again' : 'once';
    if (busy) return;
    try {
      while (entry.doubtful && entry.checking !== 'no' && entry.handlers.size > 0) {
        entry.checking = 'once';
        const reading = await this.#requests.read(entry.key);
        if (reading.found) this.#compare(entry, reading);
        else this.#missing(entry, undefined);
        if (entry.checking === 'once') entry.checking = 'no';
      }
    } catch {
      // Without an answer the next notification, or the next connection, has the key read.
    } finally {
      entry.checking = 'no';
    }
  }

  /**
   * A reading that found the key, compared with what is known of it. Unless something newer was told meanwhile, the reading is
   * right, even where its version is older: another store may serve this broker by now.
   */
  #compare(entry: Entry, reading: Reading & { found: true }): void {
    entry.doubtful = false;
    const version = versionOf(reading);
    const order = version && entry.latest ? compareHlc(version, entry.latest) : 1;
    if (order === 0 || (order < 0 && entry.told)) return;
    entry.latest = version;
    const told = reading.version === undefined ? {} : { version: reading.version };
    this.#tell(entry, { operation: 'set', key: entry.key, value: Buffer.from(reading.value), ...told });
  }

  /**
   * A reading that found nothing, and has no version therefore. It was made after the KEYNOTIFY whose answer had the version
   * `covered`. Where a newer change than that was told meanwhile, the key was deleted after it, or set after the reading: a
   * notification will say so.
   */
  #missing(entry: Entry, covered: Hlc | undefined): void {
    if (entry.told && covered && entry.latest && compareHlc(entry.latest, covered) > 0) return;
    entry.doubtful = !covered;
    if (covered) entry.latest = undefined;
    this.#tell(entry, { operation: 'delete', key: entry.key });
  }

  /** A notification. Returns whether it brought news: it is newer than what is known and what a reading covers. */
  #notified(entry: Entry, change: Change): boolean {
    const version = versionOf(change);
    if (version && [entry.latest, entry.covered].some((known) => known && compareHlc(version, known) <= 0))
      return false;
    if (version) entry.latest = version;
    this.#tell(entry, change);
    return true;
  }

  /** Hands a change on, unless it deletes what is gone. */
  #tell(entry: Entry, change: Change): void {
    if (change.operation === 'delete' && !entry.exists) return;
    entry.exists = change.operation === 'set';
    for (const handler of [...entry.handlers]) {
      try {
        handler(change);
      } catch (error) {
        // A handler's fault is its own; the other handlers still get the change.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }
}

function versionOf(told: Change | Reading): Hlc | undefined {
  return 'version' in told && told.version !== undefined ? parseHlc(told.version) : undefined;
}

function checkLength(key: Buffer): void {
  if (key.length <= MAX_OBSERVED_KEY_BYTES) return;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `key must not be longer than ${MAX_OBSERVED_KEY_BYTES} bytes to be observed, but has ${key.length}.`,
    { operation: 'observe', key: printableKey(key) },
  );
}

function isFullQueue(error: unknown): boolean {
  return error instanceof StateStoreError && error.code === 'QUEUE_FULL';
}

/** For those who were given up themselves: nobody is told. */
function nobodyObserves(key: Buffer): StateStoreError {
  return new StateStoreError('CLOSED', 'The key is not observed any more.', {
    operation: 'observe',
    key: printableKey(key),
  });
}
