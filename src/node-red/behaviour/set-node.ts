/** What the set node does: stores a value under a key, or the properties of an object under keys of their names. */
import type { Node, NodeAPI } from 'node-red';
import type { RequestOptions, SetOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName, toKey } from '../message/key';
import { forEachKey } from '../message/many-keys';
import { recordsToBytes } from '../message/reference-data';
import {
  type Precedence,
  prefer,
  readCondition,
  readExpiry,
  readFencingToken,
  readTimeout,
  type TimeUnit,
} from '../message/request-options';
import { TypedProperty } from '../message/typed-property';
import { toEntries, valueToStore } from '../message/value';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface SetNodeDef extends RequestNodeDef {
  key: string;
  /** A typed input's type, or `each`: every property of the value is a key of its own. */
  keyType: string;
  value: string;
  valueType: string;
  /** `ndjson`: the value is a list of objects, one for each line. */
  format?: 'auto' | 'ndjson';
  condition: '' | 'NX' | 'NEX';
  expiry: string;
  expiryType: string;
  expiryUnit: TimeUnit;
  fencingToken: string;
  fencingTokenType: string;
  /** Whether to ask that the key survive a restart of the whole broker. */
  persist?: boolean;
  messageOptions?: Precedence;
}

type OptionName = 'expiry' | 'token' | 'msgExpiry' | 'msgCondition' | 'msgTimeout';

/** Makes a created node a set node. */
export function makeSetNode(RED: NodeAPI, node: Node, def: SetNodeDef): void {
  const property = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type });
  const each = def.keyType === 'each';
  const key = each
    ? property('key', '', 'str')
    : new TypedProperty(RED, node, 'key', { value: def.key, type: def.keyType, template: true });
  const value = property('value', def.value, def.valueType);
  const expiry = property('expiry', def.expiry, def.expiryType);
  const token = property('fencing token', def.fencingToken, def.fencingTokenType);
  const { expiryUnit: unit, messageOptions: precedence } = def;
  /** An option that may be in the message. */
  const fromMessage = (name: string) => property(name, precedence === 'ignore' ? '' : name, 'msg');
  const msgExpiry = fromMessage('expiry');
  const msgCondition = fromMessage('condition');
  const msgTimeout = fromMessage('timeout');

  makeRequestNode(RED, node, def, {
    operation: 'set',
    properties: { key, value, expiry, token, msgExpiry, msgCondition, msgTimeout },
    perform(client, values, base, _msg, persists) {
      const options = optionsOf(values, base);
      if (def.persist || persists) options.persist = true;
      if (each) return setEach(client, values.value, options);
      const one = toKey(values.key, key.label, 'set');
      const content = toStore(values.value, value.label, one);
      return client.set(one, content, options).then(({ stored, version }) => ({
        result:
          version === undefined
            ? { operation: 'set', key: one, stored }
            : { operation: 'set', key: one, stored, version },
        effective: stored,
      }));
    },
  });

  function toStore(from: unknown, label: string, one: Key): string | Uint8Array {
    const context = () => keyContext('set', one);
    return def.format === 'ndjson' ? recordsToBytes(from, context) : valueToStore(from, label, context);
  }

  function optionsOf(values: Record<OptionName, unknown>, base: RequestOptions): SetOptions {
    const options: SetOptions = { ...base };
    const messageCondition = readCondition(values.msgCondition, msgCondition);
    const condition = prefer(def.condition || undefined, messageCondition, precedence);
    if (condition !== undefined && condition !== 'always') options.condition = condition;
    const messageExpiry = readExpiry(values.msgExpiry, msgExpiry, unit);
    const expires = prefer(readExpiry(values.expiry, expiry, unit), messageExpiry, precedence);
    if (expires !== undefined) options.expiry = expires;
    const fencingToken = readFencingToken(values.token, token, 'set');
    if (fencingToken !== undefined) options.fencingToken = fencingToken;
    const timeout = readTimeout(values.msgTimeout, msgTimeout, 'set');
    if (timeout !== undefined) options.timeout = timeout;
    return options;
  }

  async function setEach(client: StateStoreClient, object: unknown, options: SetOptions): Promise<Answer> {
    const entries = toEntries(object, value.label);
    const keys = entries.map(([name]) => toKey(name, `a property name of ${value.label}`, 'set'));
    const results = await forEachKey('set', keys, async (one, index) => {
      const label = `${value.label}.${keyName(one)}`;
      const content = toStore(entries[index]?.[1], label, one);
      return { key: one, ...(await client.set(one, content, options)) };
    });
    const stored = results.every((result) => result.stored);
    return { result: { operation: 'set', stored, results }, effective: stored };
  }
}
