import { EventEmitter } from 'node:events';
import { StateStoreError } from '../errors';
import { Connection } from '../mqtt/connection';
import type { ConnectionState } from '../mqtt/connection-state';
import { callListeners } from '../mqtt/listeners';
import { checkRules, listOf, pairsOf } from '../option-rules';
import { responseTopic } from '../protocol/topics';
import { BeforeClose } from './before-close';
import { Calls } from './calls';
import type { ClientEvents } from './client-events';
import type { Codec } from './codec';
import { forEachOf, type KeyResult, optionsOfEach } from './many';
import type { ClientMetrics } from './metrics';
import type { ChangeHandler, Observation } from './observation';
import { Observing } from './observing';
import {
  type Bytes,
  type ObserveOptions,
  REQUEST_RULES,
  type RequestOptions,
  type ResolvedOptions,
  resolveClientOptions,
  SET_RULES,
  type SetOptions,
  type StateStoreClientOptions,
  WRITE_RULES,
  type WriteOptions,
} from './options';
import { randomId } from './random';
import type { ReadAnswer } from './request';
import * as failure from './request-errors';
import { Requests } from './requests';
import { type DeleteResult, type GetResult, readDelete, readGet, readSet, type SetResult } from './results';
import { type KeyList, Scans } from './scan';
import { SignalListeners } from './signal-listeners';
import { telemetryOf } from './telemetry';
import { TypedStore } from './typed-store';
import { Usable } from './usable';
import { within } from './within';

const CLOSE_PATIENCE_MS = 2000;

/**
 * A client of the Azure IoT Operations state store, over one MQTT 5 connection of its own.
 *
 * It connects with the first request, or with {@link connect}, and again whenever the connection is lost, until {@link close}. Requests
 * made meanwhile wait, as long as their timeout allows. Every call settles exactly once. It rejects with a {@link StateStoreError},
 * whose `code` is the cause, `applied` says whether a write may have been applied, and `retryable` whether the same call may succeed
 * later:
 *
 * - `BAD_ARGUMENT`: the call itself is wrong. Nothing was sent.
 * - `NOT_CONNECTED`, `QUEUE_FULL`: nothing was sent.
 * - `REFUSED`: the broker refused the request. Codes of {@link ServiceError}: the store refused it.
 * - `TIMEOUT`, `OUTCOME_UNKNOWN`, `BAD_RESPONSE`, `CLOSED`: a write may or may not have been applied.
 * - `TIMESTAMP_SKEW`: a {@link ServiceError} if the store refused the request. Otherwise this client refused the response, whose clock is
 *   more than a minute ahead, and a write may have been applied.
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
  /** MQTT client ID, given or generated. */
  readonly clientId: string;
  readonly #options: ResolvedOptions;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #calls: Calls;
  readonly #scans: Scans;
  readonly #usable: Usable;
  readonly #signals = new SignalListeners();
  readonly #observing: Observing;
  readonly #beforeClose = new BeforeClose();
  #closed: Promise<void> | undefined;

  /** Connects to nothing yet. Throws `BAD_ARGUMENT` that names the option. */
  constructor(options: StateStoreClientOptions = {}) {
    super();
    this.setMaxListeners(0);
    this.#options = resolveClientOptions(options);
    this.clientId = this.#options.clientId;
    const topic = responseTopic(this.clientId);
    this.#connection = new Connection({ ...this.#options, responseTopic: topic });
    const { clientId, highPriority } = this.#options;
    const identity = { clientId, responseTopic: topic, highPriority, nodeId: randomId() };
    this.#requests = new Requests(this.#connection, identity, this.#options, telemetryOf(this.#options));
    this.#calls = new Calls(this.#requests, this.#options);
    this.#scans = new Scans(this.#connection, this.#requests, this.#options);
    this.#usable = new Usable(this.#connection);
    const base = { connection: this.#connection, requests: this.#requests };
    const parts = { ...base, usable: this.#usable, signals: this.#signals };
    this.#observing = new Observing(this.#options, parts, {
      lost: (key, error) => this.emit('observationLost', key, error),
      handlerFailed: (key, error) => {
        const listeners = this.rawListeners('observationError');
        if (listeners.length > 0) callListeners(this, listeners, key, error);
        else process.emitWarning(error instanceof Error ? error : String(error));
      },
    });
    this.#connection.on('state', (state) => callListeners(this, this.rawListeners('state'), state));
  }

  /** The present state of the connection. Every change is a `state` event. */
  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** The ends of the TCP connection, for code that has the other end in the same process. @internal */
  get ends(): string | undefined {
    return this.#connection.ends;
  }

  /** Listens to the signal of many requests once, until the returned function is called. @internal */
  listenTo(signal: AbortSignal): () => void {
    return this.#requests.listenTo(signal);
  }

  /** Largest packet in bytes, from the CONNACK of the broker. Without a connection the limit of MQTT. */
  get maximumPacketSize(): number {
    return this.#connection.maximumPacketSize;
  }

  /** Bytes received on the present connection. @internal */
  get received(): number {
    return this.#connection.received;
  }

  /** Milliseconds that a call may take if it has no `timeout` of its own. */
  get timeout(): number {
    return this.#options.timeout;
  }

  /** Number of responses of the store so far, refusals included. */
  get answers(): number {
    return this.#requests.answers;
  }

  /** The text before every key in the store. Blank by default. */
  get keyPrefix(): string {
    return this.#options.keyPrefix;
  }

  /** Number of requests that wait for the connection or for a place in flight. */
  get waiting(): number {
    return this.#requests.waiting;
  }

  /** Number of requests that were published and have no response yet. */
  get inFlight(): number {
    return this.#requests.inFlight;
  }

  /** A snapshot of the counters of this client. They never contain keys. */
  get metrics(): ClientMetrics {
    const { tokenExpiresAt } = this.#connection;
    return {
      ...this.#requests.metrics,
      ...{ observed: this.observed, connected: this.state.kind === 'connected' },
      ...(tokenExpiresAt !== undefined && { tokenExpiresAt }),
    };
  }

  /** Number of keys that are observed. */
  get observed(): number {
    return this.#observing.size;
  }

  /** Begins to connect and returns at once. Not needed before a request. */
  open(): void {
    this.#connection.open();
  }

  /**
   * Connects. Resolves when the store can be used. Rejects with the reason if that takes longer than `timeout` milliseconds, or at once
   * if the broker refuses something that only a person can change. Attempts go on until {@link close}.
   */
  async connect(options: RequestOptions = {}): Promise<void> {
    checkRules(options, REQUEST_RULES);
    const { timeout = this.#options.timeout, signal } = options;
    signal?.throwIfAborted();
    const noConnection = (reason = this.#connection.obstacle) =>
      reason ? failure.noConnection(reason) : new StateStoreError('CLOSED', 'The client was closed.');
    const outcome = await within(this.#usable.wait(), { timeout, signal }, this.#signals, noConnection);
    if (!outcome.usable) throw noConnection(outcome.reason);
  }

  /** Stores `value` under `key`. */
  set(key: Bytes, value: Bytes, options: SetOptions = {}): Promise<SetResult> {
    const { condition, expiry: expiryMs }: SetOptions = options ?? {};
    const command = { verb: 'SET', key, value, condition, expiryMs } as const;
    return this.#calls.submit('set', command, readSet, options, SET_RULES);
  }

  /** Bytes of the packet with which {@link set} stores a value, without a fencing token. @internal */
  sizeOfSet(key: Bytes, value: Bytes, options: SetOptions): number {
    return this.#calls.sizeOfSet(key, value, options);
  }

  /** Reads the value of `key`. */
  get(key: Bytes, options: RequestOptions = {}): Promise<GetResult> {
    return this.getAs(key, readGet, options);
  }

  /** {@link get} with another reader of the response. @internal */
  getAs<Result>(key: Bytes, read: ReadAnswer<Result>, options: RequestOptions = {}): Promise<Result> {
    return this.#calls.submit('get', { verb: 'GET', key }, read, options, REQUEST_RULES);
  }

  /** Deletes `key` with any value. */
  delete(key: Bytes, options: WriteOptions = {}): Promise<DeleteResult> {
    return this.#calls.submit('delete', { verb: 'DEL', key }, readDelete, options, WRITE_RULES);
  }

  /** Deletes `key` only if its value is `value`. */
  deleteIfValue(key: Bytes, value: Bytes, options: WriteOptions = {}): Promise<DeleteResult> {
    return this.#calls.submit('delete', { verb: 'VDEL', key, value }, readDelete, options, WRITE_RULES);
  }

  /** Stores many values, a bounded number at a time. Resolves with the outcome of each key, in their order. */
  async setMany(
    entries: Iterable<readonly [Bytes, Bytes]>,
    options: SetOptions = {},
  ): Promise<KeyResult<SetResult>[]> {
    const each = optionsOfEach(options, SET_RULES, 'set');
    const set = ([key, value]: readonly [Bytes, Bytes]) => this.set(key, value, each);
    return forEachOf(pairsOf('entries', entries, 'set'), ([key]) => key, set);
  }

  /** Reads many keys, a bounded number at a time. Resolves with the outcome of each, in their order. */
  async getMany(keys: Iterable<Bytes>, options: RequestOptions = {}): Promise<KeyResult<GetResult>[]> {
    const each = optionsOfEach(options, REQUEST_RULES, 'get');
    const one = (key: Bytes) => this.get(key, each);
    return forEachOf(listOf('keys', keys, 'get'), (key) => key, one);
  }

  /** Deletes many keys, a bounded number at a time. Resolves with the outcome of each, in their order. */
  async deleteMany(keys: Iterable<Bytes>, options: WriteOptions = {}): Promise<KeyResult<DeleteResult>[]> {
    const each = optionsOfEach(options, WRITE_RULES, 'delete');
    const one = (key: Bytes) => this.delete(key, each);
    return forEachOf(listOf('keys', keys, 'delete'), (key) => key, one);
  }

  /**
   * Lists the keys that match a glob pattern: `*` is any number of characters, `?` one, `[a-z]` one of a class. See {@link KeyList}. Brokers that
   * cannot list keys reject with `NOT_SUPPORTED`.
   */
  keys(pattern: Bytes, options: RequestOptions = {}): KeyList {
    return this.#scans.keys(pattern, options);
  }

  /** The same keys with values of one type: `store.withCodec(json<Setting>())`. */
  withCodec<Value>(codec: Codec<Value>): TypedStore<Value> {
    return new TypedStore(this, codec, (...parameters) => this.#observing.observe(...parameters));
  }

  /**
   * Observes `key`: every change goes to `handler`, in the order of versions, each once, until the observation is closed. Without a
   * handler, read the changes with `for await`. After a lost connection the key is observed again, and changes made meanwhile are
   * reported: the last one in any case. Many observations of one key cost the store a single one.
   *
   * Connects if need be. Rejects with `NOT_CONNECTED` or `TIMEOUT` if that takes longer than the timeout, or with the refusal of the store
   * or the broker.
   */
  observe(key: Bytes, options?: ObserveOptions): Promise<Observation>;
  observe(key: Bytes, handler: ChangeHandler, options?: ObserveOptions): Promise<Observation>;
  observe(
    key: Bytes,
    handlerOrOptions?: ChangeHandler | ObserveOptions,
    options?: ObserveOptions,
  ): Promise<Observation> {
    return this.#observing.observe(key, (value) => value, handlerOrOptions, options);
  }

  /**
   * Registers work for the moment when the client is closed, while it still takes requests: releasing a lock, for example. {@link close}
   * waits up to 2 seconds for it. Returns a function that removes it.
   */
  beforeClose(work: () => Promise<void>): () => void {
    return this.#beforeClose.add(work);
  }

  /**
   * Ends the client: does the work of {@link beforeClose}, takes no more requests, waits up to 2 seconds for the requests under way,
   * fails the rest with `CLOSED`, and ends the MQTT session. Resolves when the socket is closed.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (!this.#beforeClose.isEmpty && this.state.kind === 'connected')
      await this.#beforeClose.run(CLOSE_PATIENCE_MS);
    this.#observing.close();
    await this.#requests.close(CLOSE_PATIENCE_MS);
    await this.#connection.close();
  }
}
