/** What the get node does: reads the value of a key, or the values of many keys into an object. A list or a pattern names many keys. */
import type { Node, NodeAPI } from 'node-red';
import type { RequestOptions } from '../../client/options';
import { type FoundValue, getReader, type MissingKey } from '../../client/results';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName, noneMatches, notFound, toKey, toKeys } from '../message/key';
import { keyProperty, keysThatMatch, PATTERN, readLimit } from '../message/key-pattern';
import { type Listing, listed, needsValues } from '../message/listing';
import { forEachKey } from '../message/many-keys';
import { readTimeout } from '../message/request-options';
import { TargetProperty } from '../message/target-property';
import { TypedProperty } from '../message/typed-property';
import { storedFromBytes, type ValueFormat, valueFromBytes, valueFromStored } from '../message/value';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface GetNodeDef extends RequestNodeDef {
  key: string;
  /** A typed input's type, or `pattern`: all keys that match. */
  keyType: string;
  /** Of a pattern: the largest number of keys; blank: 1,000. */
  maxKeys?: string;
  /** Of many keys: the keys with their values, the keys alone, or one number made of them. */
  listing?: Listing;
  /** Message property that receives the value. */
  property: string;
  format: ValueFormat;
  /** What becomes of a key that is not there. */
  missing?: 'nothing' | 'default' | 'error';
  default?: string;
  defaultType?: string;
}

/** Makes a created node a get node. */
export function makeGetNode(RED: NodeAPI, node: Node, def: GetNodeDef): void {
  const key = keyProperty(RED, node, def);
  const msgTimeout = new TypedProperty(RED, node, 'timeout', { value: 'timeout', type: 'msg' });
  const { listing = 'values' } = def;
  const target = new TargetProperty(RED, def.property || 'payload', 'get');
  const fallback =
    def.missing === 'default'
      ? new TypedProperty(RED, node, 'default value', {
          value: def.default ?? '',
          type: def.defaultType ?? 'str',
        })
      : new TypedProperty(RED, node, 'default value', { value: '', type: 'msg' });

  // One for all messages. A value is made of the bytes where they are, without a copy.
  const read = getReader((bytes, isOwn) => storedFromBytes(bytes, def.format, isOwn));

  makeRequestNode(RED, node, def, {
    operation: 'get',
    properties: { key, fallback, msgTimeout },
    perform(client, values, base) {
      const timeout = readTimeout(values.msgTimeout, msgTimeout, 'get');
      const options = timeout === undefined ? base : { ...base, timeout };
      if (def.keyType === PATTERN)
        return getMatching(client, toKey(values.key, key.label, 'get'), values.fallback, options);
      if (Array.isArray(values.key))
        return getMany(client, toKeys(values.key, key.label, 'get'), values.fallback, options);
      const one = toKey(values.key, key.label, 'get');
      return client.getAs(one, read, options).then((got) => {
        const value = got.found
          ? valueFromStored(got.value, def.format, () => keyContext('get', one))
          : values.fallback;
        if (!got.found && def.missing === 'error') throw notFound(one);
        return {
          result: resultOf(one, got),
          effective: got.found,
          write: (msg) => target.write(msg, value),
        };
      });
    },
  });

  /** A key that is deleted between the list and its own request is left out. */
  async function getMatching(
    client: StateStoreClient,
    pattern: Key,
    missing: unknown,
    options: RequestOptions,
  ): Promise<Answer> {
    const limit = readLimit(def.maxKeys, 'get');
    const keys = await keysThatMatch(client, pattern, { operation: 'get', limit, options });
    if (keys.length === 0 && def.missing === 'error') throw noneMatches(pattern);
    const values: [string, unknown][] = [];
    const results = await forEachKey('get', needsValues(listing) ? keys : [], async (one) => {
      const got = await client.get(one, options);
      if (!got.found) return { key: one, found: false };
      values.push([keyName(one), decoded(one, got.value)]);
      return { key: one, found: true, version: got.version };
    });
    const read = needsValues(listing) ? values : keys.map((one) => [keyName(one), undefined] as const);
    const all = listed(listing, read);
    const found = keys.length > 0;
    const output = !found && def.missing === 'default' ? missing : all;
    return {
      result: { operation: 'get', pattern, found, ...(needsValues(listing) && { results }) },
      effective: found,
      write: (msg) => target.write(msg, output),
    };
  }

  function decoded(one: Key, bytes: Buffer): unknown {
    return valueFromBytes(bytes, def.format, () => keyContext('get', one));
  }

  async function getMany(
    client: StateStoreClient,
    list: readonly Key[],
    missing: unknown,
    options: RequestOptions,
  ): Promise<Answer> {
    const found: [string, unknown][] = [];
    const results = await forEachKey('get', list, async (one) => {
      const got = await client.get(one, options);
      if (!got.found) {
        if (def.missing === 'error') throw notFound(one);
        if (def.missing === 'default') found.push([keyName(one), missing]);
        return { key: one, found: false };
      }
      found.push([keyName(one), decoded(one, got.value)]);
      return { key: one, found: true, version: got.version };
    });
    const all = results.every((result) => result.found);
    const output = listed(listing, found);
    return {
      result: { operation: 'get', found: all, results },
      effective: all,
      write: (msg) => target.write(msg, output),
    };
  }
}

function resultOf(key: Key, got: FoundValue<unknown> | MissingKey): Answer['result'] {
  if (!got.found) return { operation: 'get', key, found: false };
  return { operation: 'get', key, found: true, version: got.version };
}
