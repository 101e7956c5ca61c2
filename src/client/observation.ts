import { type ErrorContext, printableKey, StateStoreError } from '../errors';
import { compareHlc, type Hlc, parseHlc } from '../protocol/hlc';
import type { Change, Reading } from './observed-key';

/** A key that has a new value. */
export interface KeySet<Value = Buffer> {
  /** The key was set. */
  operation: 'set';
  /** A copy of the key. */
  key: Buffer;
  /** The new value. Bytes are a copy that belongs to the receiver. */
  value: Value;
  /** Version of the value. */
  version?: string;
}

/** A key that was deleted or expired. */
export interface KeyDeleted {
  /** The key was deleted, or it expired. */
  operation: 'delete';
  /** A copy of the key. */
  key: Buffer;
  /** Version of the delete. Absent if the key was found to be missing after a reconnect. */
  version?: string;
}

/** One change of an observed key. */
export type KeyChange<Value = Buffer> = KeySet<Value> | KeyDeleted;

/**
 * Receives the changes of a key in the order of their versions. If it throws, or returns a promise that rejects, the client emits
 * `observationError`, or warns if nothing listens to that. The next change does not wait for the promise.
 */
export type ChangeHandler<Value = Buffer> = (change: KeyChange<Value>) => unknown;

/** What an {@link Observation} needs of its client. */
export interface ObservationSource<Value> {
  /** Makes the receiver's value of a copy of the bytes. */
  decode(bytes: Buffer): Value;
  /** Stops observing. Never rejects. */
  stop(): Promise<void>;
  /** The handler threw or its promise rejected. */
  failed(key: Buffer, error: unknown): void;
}

/** Changes that wait for a slow reader at most. The oldest are dropped first, and the newest is always kept. */
const MAX_WAITING_CHANGES = 1000;
/** Bytes of the values that wait for a slow reader at most. */
const MAX_WAITING_BYTES = 16 * 2 ** 20;

type Result<Value> = IteratorResult<KeyChange<Value>, undefined>;

interface Reader<Value> {
  resolve(result: Result<Value>): void;
  reject(error: StateStoreError): void;
}

interface Waiting<Value> {
  readonly change: KeyChange<Value>;
  /** Of the value, as it is stored. */
  readonly bytes: number;
}

/**
 * One observed key, made by `StateStoreClient.observe`. Its changes go to the handler. Without a handler they wait here to be read with
 * `for await`, by one loop. Leaving the loop with `break`, `return` or an error stops observing:
 *
 * ```ts
 * const observation = await store.observe('setpoint');
 * for await (const change of observation) {
 *   console.log(change.operation, change.operation === 'set' ? change.value.toString() : '');
 *   if (change.operation === 'delete') break;
 * }
 * ```
 *
 * The loop ends after {@link close} and after the client is closed. It throws when the key cannot be observed any more: the store or the
 * broker refuses it, or the client stopped. If the reader is slow, at most 1,000 changes and 16 MiB of values wait for it. Then the oldest
 * changes are dropped and counted in {@link dropped}.
 */
export class Observation<Value = Buffer> implements AsyncIterable<KeyChange<Value>> {
  /**
   * Resolves when the observation has ended: with the error if it was lost, with `undefined` if it or its client was closed. Never
   * rejects.
   */
  readonly closed: Promise<StateStoreError | undefined>;
  /** The observed key. */
  readonly key: Buffer;
  readonly #source: ObservationSource<Value>;
  readonly #handler: ChangeHandler<Value> | undefined;
  readonly #waiting: Waiting<Value>[] = [];
  readonly #readers: Reader<Value>[] = [];
  #bytes = 0;
  #dropped = 0;
  #hasReader = false;
  #ending: { error: StateStoreError | undefined } | undefined;
  #onEnd: (error: StateStoreError | undefined) => void = () => undefined;
  #hasReported = false;
  /** Version of the current value that was reported first. Its notification may still come. */
  #current: Hlc | undefined;
  #stopped: Promise<void> | undefined;

  /** @internal */
  constructor(key: Buffer, handler: ChangeHandler<Value> | undefined, source: ObservationSource<Value>) {
    this.key = key;
    this.#handler = handler;
    this.#source = source;
    this.closed = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  /** Changes that were dropped because the reader was slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Stops observing. No change is reported after the call, and `for await` ends after the changes that wait. Resolves when the store has
   * answered. A request to the store that fails is repeated in the background. Never rejects.
   */
  close(): Promise<void> {
    this.end();
    this.#stopped ??= this.#source.stop();
    return this.#stopped;
  }

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Throws `BAD_ARGUMENT` if the changes go to a handler or to another loop. */
  [Symbol.asyncIterator](): AsyncIterator<KeyChange<Value>, undefined> {
    if (this.#handler) throw this.#misuse('The changes of this observation go to its handler');
    if (this.#hasReader) throw this.#misuse('The changes of this observation go to another loop already');
    this.#hasReader = true;
    return {
      next: () => this.#next(),
      return: async () => {
        this.#waiting.length = 0;
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Reports a change. @internal */
  deliver(change: Change): void {
    if (this.#ending || this.#isReported(change)) return;
    this.#hasReported = true;
    try {
      this.#hand(this.#own(change), change.operation === 'set' ? change.value.length : 0);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Reports the current value first, unless a change came meanwhile. @internal */
  deliverCurrent(reading: Reading): void {
    if (!reading.found || this.#hasReported) return;
    const { value, version } = reading;
    this.deliver({ operation: 'set', value, ...(version !== undefined && { version }) });
    this.#current = version === undefined ? undefined : parseHlc(version);
  }

  /** Ends it without a request to the store. @internal */
  end(error?: StateStoreError): void {
    if (this.#ending) return;
    this.#ending = { error };
    this.#onEnd(error);
    for (const reader of this.#readers.splice(0)) {
      if (error) reader.reject(error);
      else reader.resolve({ done: true, value: undefined });
    }
  }

  #next(): Promise<Result<Value>> {
    const next = this.#waiting.shift();
    if (next) {
      this.#bytes -= next.bytes;
      return Promise.resolve({ done: false, value: next.change });
    }
    if (this.#ending?.error) return Promise.reject(this.#ending.error);
    if (this.#ending) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  /** The bytes belong to the packet and to all receivers, so each receiver gets a copy of its own. */
  #own(change: Change): KeyChange<Value> {
    const key = Buffer.from(this.key);
    const version = change.version === undefined ? {} : { version: change.version };
    if (change.operation === 'delete') return { operation: 'delete', key, ...version };
    return { operation: 'set', key, value: this.#source.decode(Buffer.from(change.value)), ...version };
  }

  /** The notification of the value that was reported as the current one. */
  #isReported({ version }: Change): boolean {
    const current = this.#current;
    if (!current) return false;
    const received = version === undefined ? undefined : parseHlc(version);
    if (received && compareHlc(received, current) <= 0) return true;
    this.#current = undefined;
    return false;
  }

  #hand(change: KeyChange<Value>, bytes: number): void {
    if (this.#handler) {
      const result = this.#handler(change);
      if (typeof result === 'object' && result !== null && 'then' in result)
        Promise.resolve(result).catch((error: unknown) => this.#fail(error));
      return;
    }
    const reader = this.#readers.shift();
    if (reader) reader.resolve({ done: false, value: change });
    else this.#keep({ change, bytes });
  }

  #keep(next: Waiting<Value>): void {
    this.#waiting.push(next);
    this.#bytes += next.bytes;
    while (this.#waiting.length > MAX_WAITING_CHANGES || this.#bytes > MAX_WAITING_BYTES) {
      const oldest = this.#waiting.length > 1 ? this.#waiting.shift() : undefined;
      if (!oldest) return;
      this.#bytes -= oldest.bytes;
      this.#dropped++;
    }
  }

  /** The handler failed, or a value cannot be decoded. */
  #fail(error: unknown): void {
    if (!this.#handler && error instanceof StateStoreError) {
      this.end(error);
      void this.close();
    } else {
      this.#source.failed(this.key, error);
    }
  }

  #misuse(problem: string): StateStoreError {
    const context: ErrorContext = { operation: 'observe', key: printableKey(this.key) };
    return new StateStoreError('BAD_ARGUMENT', `${problem}.`, context);
  }
}
