/** A deployed store inside a function node: values as the nodes convert them, on the connection that the nodes share. */
import type { StateStoreClient } from '../../client/state-store-client';
import { update } from '../../coordination/update';
import { printableValue, StateStoreError } from '../../errors';
import { type ChangeKind, changeOf, newBytes, presentValue } from '../behaviour/change';
import { type Key, keyContext, keyName, toKey } from '../message/key';
import { type ValueFormat, valueFromBytes, valueToStore } from '../message/value';
import { type FunctionNode, FunctionObservation, type ObservedChange } from './function-observation';
import { clientOf } from './store-guest';

/** A key as text, a number or a buffer. */
type KeyLike = string | number | Uint8Array;

/** Options of a write. Times are in seconds, as in the nodes. */
interface WriteOptions {
  /** Seconds after which the key expires. Default: never. */
  expiry?: number;
  /** Token of a lock or a role: `msg.fencingToken`. */
  fencingToken?: string;
}

/** Keys that {@link FunctionStore.keys} lists at most. */
const MAX_KEYS = 10_000;

export class FunctionStore {
  readonly #name: string;
  readonly #node: FunctionNode | undefined;

  /** @internal */
  constructor(name: string, node: FunctionNode | undefined) {
    this.#name = name;
    this.#node = node;
  }

  /** The value of a key: JSON as what it stands for, other text as text, other bytes as a buffer. `undefined` if the key does not exist. */
  async get(key: KeyLike, { format = 'auto-detect' }: { format?: ValueFormat } = {}): Promise<unknown> {
    const own = toKey(key, 'key', 'get');
    const got = await this.#client().get(own);
    return got.found ? valueFromBytes(got.value, format, () => keyContext('get', own)) : undefined;
  }

  /** Stores a value. Returns false if `onlyIfNew` was given and the key exists. */
  async set(
    key: KeyLike,
    value: unknown,
    options: WriteOptions & { onlyIfNew?: boolean } = {},
  ): Promise<boolean> {
    const own = toKey(key, 'key', 'set');
    const { onlyIfNew, ...write } = options;
    const content = valueToStore(value, 'value', () => keyContext('set', own));
    const result = await this.#client().set(own, content, {
      ...writeOptions(write, own),
      ...(onlyIfNew && { condition: 'NX' }),
    });
    return result.stored;
  }

  /** Deletes a key. Returns false if it did not exist. */
  async delete(key: KeyLike, { fencingToken }: Pick<WriteOptions, 'fencingToken'> = {}): Promise<boolean> {
    const own = toKey(key, 'key', 'delete');
    return (await this.#client().delete(own, { ...(fencingToken && { fencingToken }) })).deleted;
  }

  /**
   * Changes a key in one step, also if other clients change it at the same time: `change` gets the current value, `undefined` for a missing key,
   * and returns the new one. Returns the new value. From then on only updates can change the key.
   */
  async update(
    key: KeyLike,
    change: (present: unknown) => unknown | Promise<unknown>,
    options: WriteOptions = {},
  ): Promise<unknown> {
    const own = toKey(key, 'key', 'update');
    const context = keyContext('update', own);
    if (typeof change !== 'function')
      throw wrong(`change is ${printableValue(change)}, but must be a function`, own);
    return this.#update(own, options, async (bytes) => {
      const present = presentValue(bytes, undefined, context);
      const next = await change(present);
      if (next === undefined)
        throw wrong('The function returned nothing: nothing was changed', own, 'Return the new value.');
      return newBytes(bytes, present, next, 'the new value', context);
    });
  }

  /** Adds a number to a key, which begins at 0. Returns the sum. */
  increment(key: KeyLike, by = 1, options: WriteOptions = {}): Promise<unknown> {
    return this.#change('add', key, by, '', options);
  }

  /** Appends an entry to a list, which begins empty, and keeps the last `keep` entries. Returns the list. */
  append(key: KeyLike, entry: unknown, options: WriteOptions & { keep?: number } = {}): Promise<unknown> {
    const { keep, ...write } = options;
    return this.#change('append', key, entry, keep === undefined ? '' : String(keep), write);
  }

  /** The keys that match a pattern such as `machine/*`, 10,000 at most. Needs a broker that can list keys. */
  async keys(pattern: string): Promise<string[]> {
    const names: string[] = [];
    for await (const key of this.#client().keys(pattern)) {
      if (names.length === MAX_KEYS)
        throw wrong(`More than ${MAX_KEYS} keys match the pattern`, pattern, 'Use a longer prefix.');
      names.push(keyName(key));
    }
    return names;
  }

  /**
   * Calls `handler` with the current value of a key and with each change, until the node is closed by a deploy. Needs the node:
   * `global.get('statestore')('Plant store', node)`. An error of the handler is an error of the node.
   */
  async observe(
    key: KeyLike,
    handler: (change: ObservedChange) => unknown,
  ): Promise<{ close(): Promise<void> }> {
    const own = toKey(key, 'key', 'observe');
    if (typeof handler !== 'function')
      throw wrong(`handler is ${printableValue(handler)}, but must be a function`, own);
    if (!this.#node)
      throw wrong(
        'A function node that observes must pass itself',
        own,
        `Write global.get('statestore')('${this.#name}', node), so that observing ends when the node is closed.`,
      );
    const observation = new FunctionObservation(own, handler, this.#node, () => this.#client());
    await observation.open();
    return observation;
  }

  #change(
    kind: Exclude<ChangeKind, 'take'>,
    key: KeyLike,
    value: unknown,
    keep: string,
    options: WriteOptions,
  ): Promise<unknown> {
    const own = toKey(key, 'key', 'update');
    const context = keyContext('update', own);
    const given = { value, label: 'the value' };
    return this.#update(own, options, changeOf({ kind, given, start: undefined, keep, context }));
  }

  async #update(
    key: Key,
    options: WriteOptions,
    change: (bytes: Buffer | undefined) => Uint8Array | Promise<Uint8Array>,
  ): Promise<unknown> {
    const { value } = await update(this.#client(), key, change, writeOptions(options, key));
    return presentValue(value, undefined, keyContext('update', key));
  }

  /** Throws `BAD_ARGUMENT` if no store with this name runs. */
  #client(): StateStoreClient {
    return clientOf(this.#name);
  }
}

function writeOptions(
  { expiry, fencingToken }: WriteOptions,
  key: Key,
): { expiry?: number; fencingToken?: string } {
  if (expiry !== undefined && !(typeof expiry === 'number' && expiry >= 0.001))
    throw wrong(`expiry is ${printableValue(expiry)}, but must be a number of seconds from 0.001`, key);
  return {
    ...(expiry !== undefined && { expiry: Math.round(expiry * 1000) }),
    ...(fencingToken !== undefined && { fencingToken }),
  };
}

function wrong(problem: string, key: Key, advice = ''): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', { problem: `${problem} (key ${keyName(key)})`, advice });
}
