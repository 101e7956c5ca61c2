import { messageOf, printableKey, StateStoreError } from '../errors';
import type { Codec } from './codec';
import type { ChangeHandler, Observation } from './observation';
import {
  type Bytes,
  type ObserveOptions,
  type RequestOptions,
  type SetOptions,
  toBytes,
  type WriteOptions,
} from './options';
import type { DeleteResult, FoundValue, GetResult, MissingKey, SetResult } from './results';

/** As {@link GetResult}, with a value of the program's type. */
export type TypedGetResult<Value> = FoundValue<Value> | MissingKey;

/** What a {@link TypedStore} needs of its client. */
export interface BytesStore {
  set(key: Bytes, value: Bytes, options?: SetOptions): Promise<SetResult>;
  get(key: Bytes, options?: RequestOptions): Promise<GetResult>;
  delete(key: Bytes, options?: WriteOptions): Promise<DeleteResult>;
  deleteIfValue(key: Bytes, value: Bytes, options?: WriteOptions): Promise<DeleteResult>;
}

/** Observes a key, with values that were decoded. */
export type ObserveTyped<Value> = (
  key: Bytes,
  decode: (bytes: Buffer) => Value,
  handlerOrOptions: ChangeHandler<Value> | ObserveOptions | undefined,
  options: ObserveOptions | undefined,
) => Promise<Observation<Value>>;

/**
 * The keys of a store with values of one type, made by `StateStoreClient.withCodec`. The options and errors are those of the client. A
 * value that cannot be encoded is a `BAD_ARGUMENT`, and nothing is sent. A value that cannot be decoded is a `BAD_RESPONSE`.
 */
export class TypedStore<Value> {
  readonly #store: BytesStore;
  readonly #codec: Codec<Value>;
  readonly #observe: ObserveTyped<Value>;

  /** @internal */
  constructor(store: BytesStore, codec: Codec<Value>, observe: ObserveTyped<Value>) {
    this.#store = store;
    this.#codec = codec;
    this.#observe = observe;
  }

  /** Stores `value` under `key`. */
  async set(key: Bytes, value: Value, options?: SetOptions): Promise<SetResult> {
    return this.#store.set(key, this.#encode(key, value, 'set'), options);
  }

  /** Reads the value of `key`. */
  async get(key: Bytes, options?: RequestOptions): Promise<TypedGetResult<Value>> {
    const got = await this.#store.get(key, options);
    return got.found ? { ...got, value: decodeValue(this.#codec, key, got.value, 'get') } : got;
  }

  /** Deletes `key` with any value. */
  delete(key: Bytes, options?: WriteOptions): Promise<DeleteResult> {
    return this.#store.delete(key, options);
  }

  /** Deletes `key` only if its value has the same bytes as `value`. */
  async deleteIfValue(key: Bytes, value: Value, options?: WriteOptions): Promise<DeleteResult> {
    return this.#store.deleteIfValue(key, this.#encode(key, value, 'delete'), options);
  }

  /**
   * Observes `key`. A value that cannot be decoded ends `for await` with `BAD_RESPONSE`. With a handler the client emits
   * `observationError`, and the observation goes on.
   */
  observe(key: Bytes, options?: ObserveOptions): Promise<Observation<Value>>;
  observe(key: Bytes, handler: ChangeHandler<Value>, options?: ObserveOptions): Promise<Observation<Value>>;
  observe(
    key: Bytes,
    handlerOrOptions?: ChangeHandler<Value> | ObserveOptions,
    options?: ObserveOptions,
  ): Promise<Observation<Value>> {
    const decode = (bytes: Buffer) => decodeValue(this.#codec, key, bytes, 'observe');
    return this.#observe(key, decode, handlerOrOptions, options);
  }

  #encode(key: Bytes, value: Value, operation: 'set' | 'delete'): Bytes {
    try {
      return this.#codec.encode(value);
    } catch (cause) {
      const context = { operation, key: printable(key), cause };
      throw new StateStoreError('BAD_ARGUMENT', `value cannot be encoded: ${reason(cause)}.`, context);
    }
  }
}

function decodeValue<Value>(
  codec: Codec<Value>,
  key: Bytes,
  bytes: Buffer,
  operation: 'get' | 'observe',
): Value {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    const context = { operation, key: printable(key), cause, retryable: false };
    const problem = `The value of key ${context.key} cannot be decoded: ${reason(cause)}`;
    throw new StateStoreError('BAD_RESPONSE', `${problem}.`, context);
  }
}

function printable(key: Bytes): string {
  return printableKey(toBytes('key', key));
}

function reason(cause: unknown): string {
  return messageOf(cause).replace(/\.$/, '');
}
