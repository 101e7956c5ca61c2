/** The call `observe`: its arguments, its observation, and the requests behind it. */
import type { StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import { checkRules } from '../option-rules';
import { commandItems } from '../protocol/commands';
import { type ChangeHandler, Observation } from './observation';
import { Observations } from './observations';
import { type Bytes, OBSERVE_RULES, type ObserveOptions, ownKey, type ResolvedOptions } from './options';
import { type ReadAnswer, Request } from './request';
import * as failure from './request-errors';
import type { Requests } from './requests';
import { readGet, readObserve } from './results';
import type { SignalListeners } from './signal-listeners';
import type { Unusable, Usable } from './usable';

/** The parts of a client that observing needs. */
export interface ObservingParts {
  connection: Connection;
  requests: Requests;
  usable: Usable;
  signals: SignalListeners;
}

/** Keys of these events are keys as the caller knows them. */
export interface ObservingEvents {
  lost(key: Buffer, error: StateStoreError): void;
  /** A handler threw, or its promise rejected. */
  handlerFailed(key: Buffer, error: unknown): void;
}

export class Observing {
  readonly #options: ResolvedOptions;
  readonly #parts: ObservingParts;
  readonly #events: ObservingEvents;
  readonly #prefix: Buffer;
  readonly #observations: Observations;

  constructor(options: ResolvedOptions, parts: ObservingParts, events: ObservingEvents) {
    this.#options = options;
    this.#parts = parts;
    this.#events = events;
    this.#prefix = Buffer.from(options.keyPrefix);
    const { requests } = parts;
    this.#observations = new Observations(parts.connection, options, parts, {
      notify: (key, operation, timeout) =>
        requests.submit(
          this.#request(operation, key, readObserve, timeout),
          commandItems({ verb: 'KEYNOTIFY', key, stop: operation === 'unobserve' }),
        ),
      read: (key, timeout) =>
        requests.submit(this.#request('observe', key, readGet, timeout), commandItems({ verb: 'GET', key })),
      failure: (key, timeout, why) =>
        this.#notObserved(this.#request('observe', key, readObserve, timeout), why),
    });
    this.#observations.on('lost', (key, error) => events.lost(this.#unprefixed(key), error));
  }

  /** Number of keys that are observed. */
  get size(): number {
    return this.#observations.size;
  }

  /** Makes an observation, as `StateStoreClient.observe` documents it. */
  async observe<Value>(
    key: Bytes,
    decode: (bytes: Buffer) => Value,
    handlerOrOptions: ChangeHandler<Value> | ObserveOptions | undefined,
    given: ObserveOptions | undefined,
  ): Promise<Observation<Value>> {
    const handler = typeof handlerOrOptions === 'function' ? handlerOrOptions : undefined;
    const second = typeof handlerOrOptions === 'function' ? undefined : handlerOrOptions;
    const options = given === undefined ? optionsOrNone(second) : given;
    const own = Buffer.from(ownKey(key, 'observe'));
    const stored = Buffer.concat([this.#prefix, own]);
    checkRules(options, OBSERVE_RULES, this.#request('observe', stored, readObserve, this.#options.timeout));
    const { timeout = this.#options.timeout, signal, current = false } = options;
    signal?.throwIfAborted();
    const observation: Observation<Value> = new Observation(own, handler, {
      decode,
      stop: () => this.#observations.remove(stored, observation),
      failed: (failedKey, error) => this.#events.handlerFailed(failedKey, error),
    });
    const reading = await this.#observations.add(stored, observation, { timeout, signal }, current);
    if (signal?.aborted) {
      void observation.close();
      throw signal.reason;
    }
    if (signal) {
      const unlisten = this.#parts.signals.add(signal, () => void observation.close());
      void observation.closed.then(unlisten);
    }
    if (current) observation.deliverCurrent(reading);
    return observation;
  }

  /** Ends all observations. */
  close(): void {
    this.#observations.close();
  }

  #notObserved(request: Request, why: 'late' | Unusable): StateStoreError {
    const { connection, requests } = this.#parts;
    if (why !== 'late')
      return why.reason ? failure.notConnected(request, why.reason) : failure.closed(request, false);
    return connection.state.kind === 'connected'
      ? requests.timedOut(request)
      : failure.notConnected(request, connection.obstacle);
  }

  /** `key`: as the store knows it. */
  #request<Result>(
    operation: 'observe' | 'unobserve',
    key: Buffer,
    read: ReadAnswer<Result>,
    timeout: number,
  ): Request<Result> {
    return new Request(
      operation,
      this.#unprefixed(key),
      read,
      {},
      timeout,
      undefined,
      this.#options.keyPrefix,
    );
  }

  #unprefixed(key: Buffer): Buffer {
    return key.subarray(this.#prefix.length);
  }
}

function optionsOrNone(options: ObserveOptions | undefined): ObserveOptions {
  return options === undefined ? {} : options;
}
