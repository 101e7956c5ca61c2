/** Reads the value of a key, or of many keys into an object. */
import type { Node, NodeAPI } from 'node-red';
import type { RequestOptions } from '../src/client/options';
import type { GetResult } from '../src/client/results';
import type { StateStoreClient } from '../src/client/state-store-client';
import { type Answer, makeRequestNode, type RequestNodeDef } from '../src/node-red/behaviour/request-node';
import { type Key, keyContext, keyName, notFound, toKey, toKeys } from '../src/node-red/message/key';
import { forEachKey } from '../src/node-red/message/many-keys';
import { readTimeout } from '../src/node-red/message/request-options';
import { TargetProperty } from '../src/node-red/message/target-property';
import { TypedProperty } from '../src/node-red/message/typed-property';
import { type ValueFormat, valueFromBytes } from '../src/node-red/message/value';

interface StateStoreGetDef extends RequestNodeDef {
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

export = (RED: NodeAPI): void => {
  function StateStoreGet(this: Node, def: StateStoreGetDef): void {
    RED.nodes.createNode(this, def);
    const key = new TypedProperty(RED, this, 'key', { value: def.key, type: def.keyType, template: true });
    const msgTimeout = new TypedProperty(RED, this, 'timeout', { value: 'timeout', type: 'msg' });
    const target = new TargetProperty(RED, def.property || 'payload');
    const fallback =
      def.missing === 'default'
        ? new TypedProperty(RED, this, 'default value', {
            value: def.default ?? '',
            type: def.defaultType ?? 'str',
          })
        : new TypedProperty(RED, this, 'default value', { value: '', type: 'msg' });

    makeRequestNode(RED, this, def, {
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
  RED.nodes.registerType('statestore-get', StateStoreGet);
};

function resultOf(key: Key, got: GetResult): Answer['result'] {
  if (!got.found) return { operation: 'get', key, found: false };
  return { operation: 'get', key, found: true, version: got.version };
}
