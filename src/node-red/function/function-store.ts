/** A deployed store inside a function node: values as the nodes convert them, on the connection that the nodes share. */
import { SET_RULES } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { update } from '../../coordination/update';
import { type Operation, printableValue, StateStoreError } from '../../errors';
import { boolean, checkRules, oneOf, type Rule, type Rules } from '../../option-rules';
import {
  type ChangeKind,
  changeOf,
  checkDigits,
  newBytes,
  presentValue,
  type TakingKind,
} from '../behaviour/change';
import { type Key, keyContext, keyName, toKey } from '../message/key';
import { type ValueFormat, valueFromBytes, valueToStore } from '../message/value';
import { type FunctionNode, FunctionObservation, type ObservedChange } from './function-observation';
import { callStore, clientOf } from './store-guest';

/** A key as text, a number or a buffer. */
type KeyLike = string | number | Uint8Array;

/** Options of a write. Times are in seconds, as in the nodes. */
interface WriteOptions {
  /** Seconds after which the key expires. Default: never. */
  expiry?: number;
  /** Token of a lock or a role: `msg.fencingToken`. */
  fencingToken?: string;
}

/** Checked where it is read. */
const anything: Rule = () => undefined;
const WRITE_RULES: Rules<WriteOptions> = { expiry: anything, fencingToken: SET_RULES.fencingToken };
const READ_RULES = { format: oneOf('auto-detect', 'json', 'utf8', 'buffer', 'base64', 'ndjson') };

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
  async get(key: KeyLike, options: { format?: ValueFormat } = {}): Promise<unknown> {
    const own = toKey(key, 'key', 'get');
    checkOptions(options, READ_RULES, 'get', own);
    const { format = 'auto-detect' } = options;
    const got = await this.#call((client) => client.get(own));
    return got.found ? valueFromBytes(got.value, format, () => keyContext('get', own)) : undefined;
  }

  /** Stores a value. Returns false if `onlyIfNew` was given and the key exists. */
  async set(
    key: KeyLike,
    value: unknown,
    options: WriteOptions & { onlyIfNew?: boolean } = {},
  ): Promise<boolean> {
    const own = toKey(key, 'key', 'set');
    checkOptions(options, { ...WRITE_RULES, onlyIfNew: boolean }, 'set', own);
    const { onlyIfNew, ...write } = options;
    const content = valueToStore(value, 'value', () => keyContext('set', own));
    const set = { ...writeOptions(write, own), ...(onlyIfNew && { condition: 'NX' as const }) };
    return (await this.#call((client) => client.set(own, content, set))).stored;
  }

  /** Deletes a key. Returns false if it did not exist. */
  async delete(key: KeyLike, options: Pick<WriteOptions, 'fencingToken'> = {}): Promise<boolean> {
    const own = toKey(key, 'key', 'delete');
    checkOptions(options, { fencingToken: WRITE_RULES.fencingToken }, 'delete', own);
    return (await this.#call((client) => client.delete(own, writeOptions(options, own)))).deleted;
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
      const next = await change(presentValue(bytes, undefined, context));
      if (next === undefined)
        throw wrong('The function returned nothing: nothing was changed', own, 'Return the new value.');
      // Read again, because the function may have changed the value that it got.
      const present = presentValue(bytes, undefined, context);
      const made = newBytes(bytes, present, next, 'the new value', context);
      if (made !== bytes) checkDigits(bytes, made, context);
      return made;
    });
  }

  /** Adds a number to a key, which begins at 0. Returns the sum. */
  async increment(key: KeyLike, by = 1, options: WriteOptions = {}): Promise<unknown> {
    return this.#change('add', key, by, '', options);
  }

  /** Appends an entry to a list, which begins empty, and keeps the last `keep` entries. Returns the list. */
  async append(
    key: KeyLike,
    entry: unknown,
    options: WriteOptions & { keep?: number } = {},
  ): Promise<unknown> {
    checkOptions(options, { ...WRITE_RULES, keep: anything }, 'update', toKey(key, 'key', 'update'));
    const { keep, ...write } = options;
    return this.#change('append', key, entry, keep === undefined ? '' : String(keep), write);
  }

  /** The keys that match a pattern such as `machine/*`, 10,000 at most. Needs a broker that can list keys. */
  async keys(pattern: string): Promise<string[]> {
    return this.#call(async (client) => {
      const names: string[] = [];
      for await (const key of client.keys(pattern)) {
        if (names.length === MAX_KEYS)
          throw wrong(`More than ${MAX_KEYS} keys match the pattern`, pattern, 'Use a longer prefix.');
        names.push(keyName(key));
      }
      return names;
    });
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
    const observation = new FunctionObservation(own, handler, this.#node, () =>
      clientOf(this.#name, this.#node?.path),
    );
    await observation.open();
    return observation;
  }

  async #change(
    kind: Exclude<ChangeKind, TakingKind>,
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
    checkOptions(options, WRITE_RULES, 'update', key);
    const write = writeOptions(options, key);
    const { value } = await this.#call((client) => update(client, key, change, write));
    return presentValue(value, undefined, keyContext('update', key));
  }

  /** Throws `BAD_ARGUMENT` if no store with this name runs. */
  #call<Result>(call: (client: StateStoreClient) => Promise<Result>): Promise<Result> {
    return callStore(this.#name, this.#node?.path, call);
  }
}

function checkOptions<Options>(
  options: unknown,
  rules: Rules<Options>,
  operation: Operation,
  key: Key,
): void {
  checkRules(options, rules, keyContext(operation, key));
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
