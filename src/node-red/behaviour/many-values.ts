/** What the get node reads with a list of keys, or with a pattern: one value made of many. */
import type { RequestOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName, noneMatches, notFound } from '../message/key';
import { keysThatMatch, readLimit } from '../message/key-pattern';
import { type Listing, listed, needsValues } from '../message/listing';
import { forEachKey } from '../message/many-keys';
import type { TargetProperty } from '../message/target-property';
import { type ValueFormat, valueFromBytes } from '../message/value';
import type { Answer } from './request-node';

/** The settings of a get node that decide about many keys. */
export interface ManyValuesDef {
  /** Of a pattern: the largest number of keys; blank: 1,000. */
  maxKeys?: string;
  /** Of many keys: the keys with their values, the keys alone, or one number made of them. */
  listing?: Listing;
  format: ValueFormat;
  /** What becomes of a key that is not there. */
  missing?: 'nothing' | 'default' | 'error';
}

export class ManyValues {
  readonly #def: ManyValuesDef;
  readonly #listing: Listing;
  readonly #target: TargetProperty;

  constructor(def: ManyValuesDef, target: TargetProperty) {
    this.#def = def;
    this.#listing = def.listing ?? 'values';
    this.#target = target;
  }

  /** The keys that match a pattern. A key that is deleted between the list and its own request is left out. */
  async matching(
    client: StateStoreClient,
    pattern: Key,
    fallback: unknown,
    options: RequestOptions,
  ): Promise<Answer> {
    const { missing, maxKeys } = this.#def;
    const limit = readLimit(maxKeys, 'get');
    const keys = await keysThatMatch(client, pattern, { operation: 'get', limit, options });
    if (keys.length === 0 && missing === 'error') throw noneMatches(pattern);
    const values: [string, unknown][] = [];
    const withValues = needsValues(this.#listing);
    const results = await forEachKey('get', withValues ? keys : [], async (one) => {
      const got = await client.get(one, options);
      if (!got.found) return { key: one, found: false };
      values.push([keyName(one), this.#decoded(one, got.value)]);
      return { key: one, found: true, version: got.version };
    });
    const read = withValues ? values : keys.map((one) => [keyName(one), undefined] as const);
    const all = listed(this.#listing, read);
    const found = keys.length > 0;
    const output = !found && missing === 'default' ? fallback : all;
    return {
      result: { operation: 'get', pattern, found, ...(withValues && { results }) },
      effective: found,
      write: (msg) => this.#target.write(msg, output),
    };
  }

  /** The keys of a list. */
  async listed(
    client: StateStoreClient,
    keys: readonly Key[],
    fallback: unknown,
    options: RequestOptions,
  ): Promise<Answer> {
    const { missing } = this.#def;
    const found: [string, unknown][] = [];
    const results = await forEachKey('get', keys, async (one) => {
      const got = await client.get(one, options);
      if (!got.found) {
        if (missing === 'error') throw notFound(one);
        if (missing === 'default') found.push([keyName(one), fallback]);
        return { key: one, found: false };
      }
      found.push([keyName(one), this.#decoded(one, got.value)]);
      return { key: one, found: true, version: got.version };
    });
    const all = results.every((result) => result.found);
    const output = listed(this.#listing, found);
    return {
      result: { operation: 'get', found: all, results },
      effective: all,
      write: (msg) => this.#target.write(msg, output),
    };
  }

  #decoded(one: Key, bytes: Buffer): unknown {
    return valueFromBytes(bytes, this.#def.format, () => keyContext('get', one));
  }
}
