import { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type ErrorContext, type Operation, StateStoreError } from '../errors';
import { Connection, type ConnectionState } from '../mqtt/connection';
import { ConnectionError } from '../mqtt/connection-error';
import { callListeners } from '../mqtt/listeners';
import { commandItems, type KeyCommand } from '../protocol/commands';
import { compareHlc, type Hlc, parseHlc } from '../protocol/hlc';
import { parseDeleteReply, parseGetReply, parseObserveReply, parseSetReply } from '../protocol/responses';
import { responseTopic } from '../protocol/topics';
import { forEachOf, type KeyResult } from './many';
import { Observation } from './observation';
import { type Change, type ChangeHandler, Observations } from './observations';
import {
  type Bytes,
  checkOptions,
  checkValue,
  type ObserveOptions,
  ownKey,
  type RequestOptions,
  type ResolvedOptions,
  resolveClientOptions,
  type SetOptions,
  type StateStoreClientOptions,
  type WriteOptions,
} from './options';
import { randomId } from './random';
import { type ReadAnswer, Request } from './request';
import { noConnection } from './request-errors';
import { Requests } from './requests';
import { type KeyList, Scans } from './scan';

/** `stored` is false when the condition did not hold; `version` is then that of the value in the store, if told. */
export interface SetResult {
  stored: boolean;
  version?: string;
}

/** A value that was found may be empty. */
export type GetResult = { found: true; value: Buffer; version?: string } | { found: false };

/** `found` tells a missing key from one that holds another value (`deleteIfValue`). */
export interface DeleteResult {
  deleted: boolean;
  found: boolean;
  version?: string;
}

interface ClientEvents {
  /** What the connection is doing now. */
  state: [state: ConnectionState];
  /** A key can no longer be observed, because the store or the broker refuses. */
  observationLost: [key: Buffer, error: StateStoreError];
}

const PATIENCE_MS = 2000;
/** Pause before observing is tried again on a new connection, in milliseconds. */
const RETRY_PAUSE_MS = 100;

/**
 * A client of the Azure IoT Operations state store, over one MQTT 5 connection of its own.
 *
 * It connects with the first request, or with {@link connect}, and again whenever the connection is lost, until
 * {@link close}. Requests made meanwhile wait their turn, as long as their timeout allows. Every call settles exactly
 * once; it rejects with a {@link StateStoreError} whose `code` tells the cause:
 *
 * - `BAD_ARGUMENT`: the call itself is wrong; nothing was sent.
 * - `NOT_CONNECTED`, `QUEUE_FULL`: not sent, nothing changed.
 * - `REFUSED`: the broker did not take the request. Codes of {@link ServiceError}: the store refused it.
 * - `TIMEOUT`, `OUTCOME_UNKNOWN`, `BAD_RESPONSE`, `CLOSED`: a write may or may not have been applied; the message says so.
 * - `TIMESTAMP_SKEW`: a {@link ServiceError} when the store refused the request; otherwise this client refused the answer, whose
 *   clock is more than a minute ahead, and a write may have been applied; the message says so.
 *
 * ```ts
 * const store = new StateStoreClient({ host: 'localhost', port: 1883 });
 * await store.set('someKey', 'someValue');
 * const got = await store.get('someKey');
 * if (got.found) console.log(got.value.toString(), got.version);
 * await store.close();
 * ```
 */
export class StateStoreClient extends EventEmitter<ClientEvents> {
  readonly clientId: string;
  readonly #options: ResolvedOptions;
  readonly #prefix: Buffer;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #scans: Scans;
  readonly #observations: Observations;
  readonly #open = new Set<Observation>();
  readonly #beforeClose = new Set<() => Promise<void>>();
  #closed = false;
  #closing: Promise<void> | undefined;

  /** Connects to nothing yet. Throws `BAD_ARGUMENT` that names the option. */
  constructor(options: StateStoreClientOptions = {}) {
    super();
    this.setMaxListeners(0);
    this.#options = resolveClientOptions(options);
    this.clientId = this.#options.clientId;
    this.#prefix = Buffer.from(this.#options.keyPrefix);
    const topic = responseTopic(this.clientId);
    this.#connection = new Connection({ ...this.#options, responseTopic: topic });
    const identity = { clientId: this.clientId, responseTopic: topic, nodeId: randomId() };
    this.#requests = new Requests(this.#connection, identity, this.#options);
    this.#scans = new Scans(this.#connection, this.#requests, this.#options);
    this.#observations = new Observations(this.#connection, this.clientId, {
      notify: (key, operation) => this.#notify(key, operation),
      read: (key) => this.get(this.#unprefixed(key)),
    });
    this.#observations.on('lost', (key, error) => this.emit('observationLost', this.#unprefixed(key), error));
    this.#connection.on('state', (state) => callListeners(this, this.rawListeners('state'), state));
  }

  /** What the connection is doing right now; every change is a `state` event. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** The ends of the TCP connection, for those who have the other end in the same process. @internal */
  get ends(): string | undefined {
    return this.#connection.ends;
  }

  /** The most bytes that a packet may have, from the broker's CONNACK; the limit of MQTT without a connection. */
  get maximumPacketSize(): number {
    return this.#connection.maximumPacketSize;
  }

  /** Milliseconds that a request may take when nobody says otherwise. */
  get timeout(): number {
    return this.#options.timeout;
  }

  /** How many requests the store has answered so far, refusals included. */
  get answers(): number {
    return this.#requests.answers;
  }

  /** What stands before every key in the store; blank as a rule. */
  get keyPrefix(): string {
    return this.#options.keyPrefix;
  }

  /** Requests that wait for the connection or for a place in flight. */
  get waiting(): number {
    return this.#requests.waiting;
  }

  /** Requests published and not yet answered. */
  get inFlight(): number {
    return this.#requests.inFlight;
  }

  /** Keys that are observed. */
  get observed(): number {
    return this.#observations.size;
  }

  /** Begins to connect and returns at once. Not needed before a request. */
  open(): void {
    this.#connection.open();
  }

  /**
   * Connects and resolves when the store can be used. Rejects with the reason when that takes longer than `timeout`
   * milliseconds (default: the client's), or at once where the broker refuses what only a person can change; attempts go on
   * until {@link close}.
   */
  async connect({ timeout = this.#options.timeout, signal }: RequestOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.open();
    await new Promise<void>((resolve, reject) => {
      const settle = (state: ConnectionState) => {
        if (this.#connection.refused) finish(giveUp);
        if (state.kind === 'connected') finish(resolve);
        if (state.kind === 'stopped') finish(() => reject(noConnection(state.reason)));
        if (state.kind === 'closed') finish(giveUp);
      };
      const finish = (outcome: () => void) => {
        clearTimeout(timer);
        this.off('state', settle);
        signal?.removeEventListener('abort', abort);
        outcome();
      };
      const giveUp = () => {
        const { obstacle } = this.#connection;
        reject(obstacle ? noConnection(obstacle) : new StateStoreError('CLOSED', 'The client was closed.'));
      };
      const abort = () => finish(() => reject(signal?.reason));
      const timer = setTimeout(() => finish(giveUp), timeout);
      signal?.addEventListener('abort', abort);
      this.on('state', settle);
      settle(this.state);
    });
  }

  /** Stores `value` under `key`. */
  set(key: Bytes, value: Bytes, options: SetOptions = {}): Promise<SetResult> {
    const { condition, expiry: expiryMs } = options;
    return this.#ask('set', { verb: 'SET', key, value, condition, expiryMs }, readSet, options);
  }

  /** Reads the value of `key`. */
  get(key: Bytes, options: RequestOptions = {}): Promise<GetResult> {
    return this.#ask('get', { verb: 'GET', key }, readGet, options);
  }

  /** Deletes `key`, whatever its value. */
  delete(key: Bytes, options: WriteOptions = {}): Promise<DeleteResult> {
    return this.#ask('delete', { verb: 'DEL', key }, readDelete, options);
  }

  /** Deletes `key` only if its value is `value`. */
  deleteIfValue(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<DeleteResult> {
    return this.#ask('delete', { verb: 'VDEL', key, value }, readDelete, options);
  }

  /** Stores many values, a bounded number at a time, and tells the outcome of each key in their order. */
  setMany(
    entries: Iterable<readonly [Bytes, Bytes]>,
    options: SetOptions = {},
  ): Promise<KeyResult<SetResult>[]> {
    const each = { ...options, abortedError: true };
    const set = ([key, value]: readonly [Bytes, Bytes]) => this.set(key, value, each);
    return forEachOf([...entries], ([key]) => key, set);
  }

  /** Reads many keys, a bounded number at a time, and tells the outcome of each in their order. */
  getMany(keys: Iterable<Bytes>, options: RequestOptions = {}): Promise<KeyResult<GetResult>[]> {
    const each = { ...options, abortedError: true };
    const get = (key: Bytes) => this.get(key, each);
    return forEachOf([...keys], (key) => key, get);
  }

  /** Deletes many keys, a bounded number at a time, and tells the outcome of each in their order. */
  deleteMany(keys: Iterable<Bytes>, options: WriteOptions = {}): Promise<KeyResult<DeleteResult>[]> {
    const each = { ...options, abortedError: true };
    const remove = (key: Bytes) => this.delete(key, each);
    return forEachOf([...keys], (key) => key, remove);
  }

  /**
   * Lists the keys that match a glob pattern: `*` is any number of characters, `?` one, `[a-z]` one of a class. See {@link KeyList}. Brokers that
   * cannot list keys reject with `NOT_SUPPORTED`.
   */
  keys(pattern: Bytes, options: RequestOptions = {}): KeyList {
    return this.#scans.keys(pattern, options);
  }

  /**
   * Observes `key`: every change goes to `handler`, in the order of versions, each once, until the observation is closed.
   * After a lost connection the key is observed again, and what changed meanwhile is told. Without a handler use
   * `for await` on what this resolves with. Any number of observations of one key cost the store a single one.
   *
   * Connects if need be. Rejects when that takes longer than the timeout, or when the store or the broker refuses.
   */
  async observe(key: Bytes, handler?: ChangeHandler, options: ObserveOptions = {}): Promise<Observation> {
    const bytes = Buffer.from(this.#inStore(ownKey(key, 'observe')));
    const { current, signal } = options;
    signal?.throwIfAborted();
    let told = false;
    /** The version that was handed on as the present one: its notification may still come. */
    let known: Hlc | undefined;
    const hand = (change: Change) => {
      const version = known && change.version !== undefined ? parseHlc(change.version) : undefined;
      if (known && version && compareHlc(version, known) <= 0) return;
      known = undefined;
      told = true;
      (handler ?? observation.keep)({ ...change, key: this.#unprefixed(change.key) });
    };
    const abort = () => void observation.close().catch(() => undefined);
    const observation = new Observation(() => {
      this.#open.delete(observation);
      signal?.removeEventListener('abort', abort);
      return this.#observations.remove(bytes, hand);
    });
    const reading = await this.#addObserver(bytes, hand, signal);
    this.#open.add(observation);
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) {
      abort();
      throw signal.reason;
    }
    // The client was closed before the last answer came, and ended only what there was.
    if (this.#closed) observation.end();
    // What was read is old when a change came meanwhile.
    if (current && reading.found && !told) {
      const { value, version } = reading;
      hand({ operation: 'set', key: bytes, value, ...withVersion(version) });
      known = version === undefined ? undefined : parseHlc(version);
    }
    return observation;
  }

  /**
   * Has `work` done when the client is to be closed, while it still takes requests: giving back a lock, for example. It is waited for up
   * to 2 seconds. Returns what takes the wish back.
   */
  beforeClose(work: () => Promise<void>): () => void {
    this.#beforeClose.add(work);
    return () => this.#beforeClose.delete(work);
  }

  /**
   * Ends the client: has done what is to be done before ({@link beforeClose}), takes no more requests, waits up to 2 seconds for those
   * under way, fails the rest with `CLOSED`, and ends the MQTT session. Resolves when the socket is closed, however often it is called.
   */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (this.#beforeClose.size > 0 && this.state.kind === 'connected') {
      const done = Promise.allSettled([...this.#beforeClose].map((work) => work()));
      const end = new AbortController();
      const late = pause(PATIENCE_MS, undefined, { signal: end.signal }).catch(() => undefined);
      await Promise.race([done, late]);
      end.abort();
    }
    this.#closed = true;
    for (const observation of this.#open) observation.end();
    this.#open.clear();
    await this.#requests.close(PATIENCE_MS);
    await this.#connection.close();
  }

  /** A connection that is lost on the way is waited for again, until the timeout. */
  async #addObserver(key: Buffer, handler: ChangeHandler, signal?: AbortSignal): Promise<GetResult> {
    const end = performance.now() + this.#options.timeout;
    for (;;) {
      await this.connect({ timeout: Math.max(1, end - performance.now()), ...(signal && { signal }) });
      try {
        return await this.#addUnlessAborted(key, handler, signal);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (!(error instanceof ConnectionError)) throw error;
        if (error.retry !== 'soon' || performance.now() > end) throw noConnection(error);
        await pause(RETRY_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  /** The signal is heeded at once, whichever answer is waited for; the store is told that the key is not observed. */
  async #addUnlessAborted(key: Buffer, handler: ChangeHandler, signal?: AbortSignal): Promise<GetResult> {
    if (!signal) return this.#observations.add(key, handler);
    const abort = new AbortController();
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: abort.signal });
    });
    const adding = this.#observations.add(key, handler);
    try {
      return await Promise.race([adding, aborted]);
    } finally {
      abort.abort();
      if (signal.aborted) {
        adding.catch(() => undefined);
        this.#observations.remove(key, handler).catch(() => undefined);
      }
    }
  }

  #unprefixed(key: Buffer): Buffer {
    return key.subarray(this.#prefix.length);
  }

  /** `key` as the store knows it. Resolves with the version of the answer. */
  #notify(key: Buffer, operation: 'observe' | 'unobserve'): Promise<string | undefined> {
    const request = new Request(operation, this.#unprefixed(key), readObserve, {}, this.#options.timeout);
    return this.#requests.submit(
      request,
      commandItems({ verb: 'KEYNOTIFY', key, stop: operation === 'unobserve' }),
    );
  }

  /** Makes a request of what the caller wants. An argument that is wrong ends as a rejection, too. */
  #ask<Result>(
    operation: Operation,
    command: KeyCommand<Bytes>,
    read: ReadAnswer<Result>,
    options: SetOptions,
  ): Promise<Result> {
    try {
      const { persistence, timeout } = this.#options;
      const key = ownKey(command.key, operation);
      const request = new Request(
        operation,
        key,
        read,
        options,
        options.timeout ?? timeout,
        options.persist ? { [persistence.name]: persistence.value } : undefined,
      );
      checkOptions(options, request);
      if ('value' in command) checkValue(command.value, request);
      command.key = this.#inStore(key);
      return this.#requests.submit(request, commandItems(command));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** A key as the store knows it. */
  #inStore(key: string | Buffer): string | Buffer {
    return this.#prefix.length === 0 ? key : Buffer.concat([this.#prefix, Buffer.from(key)]);
  }
}

function readSet(payload: Buffer, version: string | undefined, context: ErrorContext): SetResult {
  const stored = parseSetReply(payload, context);
  return version === undefined ? { stored } : { stored, version };
}

function readGet(payload: Buffer, version: string | undefined, context: ErrorContext): GetResult {
  const value = parseGetReply(payload, context);
  if (value === null) return { found: false };
  return version === undefined ? { found: true, value } : { found: true, value, version };
}

function readDelete(payload: Buffer, version: string | undefined, context: ErrorContext): DeleteResult {
  const outcome = parseDeleteReply(payload, context);
  return { deleted: outcome === 'deleted', found: outcome !== 'missing', ...withVersion(version) };
}

function readObserve(
  payload: Buffer,
  version: string | undefined,
  context: ErrorContext,
): string | undefined {
  parseObserveReply(payload, context);
  return version;
}

function withVersion(version: string | undefined): { version?: string } {
  return version === undefined ? {} : { version };
}
