/** What the get node does: reads the value of a key, or the values of many keys into an object. A list or a pattern names many keys. */
import type { Node, NodeAPI } from 'node-red';
import { type FoundValue, getReader, type MissingKey } from '../../client/results';
import { type Key, keyContext, notFound, toKey, toKeys } from '../message/key';
import { keyProperty, PATTERN } from '../message/key-pattern';
import { readTimeout } from '../message/request-options';
import { TargetProperty } from '../message/target-property';
import { TypedProperty } from '../message/typed-property';
import { storedFromBytes, valueFromStored } from '../message/value';
import { ManyValues, type ManyValuesDef } from './many-values';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface GetNodeDef extends RequestNodeDef, ManyValuesDef {
  key: string;
  /** A typed input's type, or `pattern`: all keys that match. */
  keyType: string;
  /** Message property that receives the value. */
  property: string;
  default?: string;
  defaultType?: string;
}

/** Makes a created node a get node. */
export function makeGetNode(RED: NodeAPI, node: Node, def: GetNodeDef): void {
  const key = keyProperty(RED, node, def);
  const msgTimeout = new TypedProperty(RED, node, 'timeout', { value: 'timeout', type: 'msg' });
  const target = new TargetProperty(RED, def.property || 'payload', 'get');
  const fallback =
    def.missing === 'default'
      ? new TypedProperty(RED, node, 'default value', {
          value: def.default ?? '',
          type: def.defaultType ?? 'str',
        })
      : new TypedProperty(RED, node, 'default value', { value: '', type: 'msg' });

  const many = new ManyValues(def, target);
  // One for all messages. A value is made of the bytes where they are, without a copy.
  const read = getReader((bytes, isOwn) => storedFromBytes(bytes, def.format, isOwn));

  makeRequestNode(RED, node, def, {
    operation: 'get',
    properties: { key, fallback, msgTimeout },
    perform(client, values, base) {
      const timeout = readTimeout(values.msgTimeout, msgTimeout, 'get');
      const options = timeout === undefined ? base : { ...base, timeout };
      if (def.keyType === PATTERN)
        return many.matching(client, toKey(values.key, key.label, 'get'), values.fallback, options);
      if (Array.isArray(values.key))
        return many.listed(client, toKeys(values.key, key.label, 'get'), values.fallback, options);
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
}

function resultOf(key: Key, got: FoundValue<unknown> | MissingKey): Answer['result'] {
  if (!got.found) return { operation: 'get', key, found: false };
  return { operation: 'get', key, found: true, version: got.version };
}
