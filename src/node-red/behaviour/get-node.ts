/** What the get node does: reads the value of a key, or of many keys into an object. */
import type { Node, NodeAPI } from 'node-red';
import type { RequestOptions } from '../../client/options';
import type { GetResult } from '../../client/results';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName, notFound, toKey, toKeys } from '../message/key';
import { forEachKey } from '../message/many-keys';
import { readTimeout } from '../message/request-options';
import { TargetProperty } from '../message/target-property';
import { TypedProperty } from '../message/typed-property';
import { type ValueFormat, valueFromBytes } from '../message/value';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface GetNodeDef extends RequestNodeDef {
  key: string;
  keyType: string;
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
  const key = new TypedProperty(RED, node, 'key', { value: def.key, type: def.keyType, template: true });
  const msgTimeout = new TypedProperty(RED, node, 'timeout', { value: 'timeout', type: 'msg' });
  const target = new TargetProperty(RED, def.property || 'payload');
  const fallback =
    def.missing === 'default'
      ? new TypedProperty(RED, node, 'default value', {
          value: def.default ?? '',
          type: def.defaultType ?? 'str',
        })
      : new TypedProperty(RED, node, 'default value', { value: '', type: 'msg' });

  makeRequestNode(RED, node, def, {
    operation: 'get',
    properties: { key, fallback, msgTimeout },
    perform(client, values, base) {
      const timeout = readTimeout(values.msgTimeout, msgTimeout, 'get');
      const options = timeout === undefined ? base : { ...base, timeout };
      if (Array.isArray(values.key)) return getMany(client, values.key, values.fallback, options);
      const one = toKey(values.key, key.label, 'get');
      return client.get(one, options).then((got) => {
        const value = got.found ? decoded(one, got.value) : values.fallback;
        if (!got.found && def.missing === 'error') throw notFound(one);
        return {
          result: resultOf(one, got),
          effective: got.found,
          write: (msg) => target.write(msg, value),
        };
      });
    },
  });

  function decoded(one: Key, bytes: Buffer): unknown {
    return valueFromBytes(bytes, def.format, () => keyContext('get', one));
  }

  async function getMany(
    client: StateStoreClient,
    list: readonly unknown[],
    missing: unknown,
    options: RequestOptions,
  ): Promise<Answer> {
    const found: [string, unknown][] = [];
    const results = await forEachKey('get', toKeys(list, key.label, 'get'), async (one) => {
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
    return {
      result: { operation: 'get', found: all, results },
      effective: all,
      write: (msg) => target.write(msg, Object.fromEntries(found)),
    };
  }
}

function resultOf(key: Key, got: GetResult): Answer['result'] {
  if (!got.found) return { operation: 'get', key, found: false };
  return { operation: 'get', key, found: true, version: got.version };
}
