/** Reads the value of a key, or of many keys into an object. */
import type { Node, NodeAPI } from 'node-red';
import { keyContext, keyName, notFound, toKey, toKeys } from '../src/node-red/key';
import { forEachKey } from '../src/node-red/many-keys';
import { makeRequestNode, type RequestNodeDef } from '../src/node-red/request-node';
import { readTimeout } from '../src/node-red/request-options';
import { TypedProperty } from '../src/node-red/typed-property';
import { type ValueFormat, valueFromBytes } from '../src/node-red/value';

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
    const target = def.property || 'payload';
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
      async perform(client, values, base) {
        const options = { ...base, ...readTimeout(values.msgTimeout) };
        if (Array.isArray(values.key)) {
          const keys = toKeys(values.key, key.label, 'get');
          const found: [string, unknown][] = [];
          const results = await forEachKey('get', keys, async (one) => {
            const got = await client.get(one, options);
            if (!got.found) {
              if (def.missing === 'error') throw notFound(one);
              if (def.missing === 'default') found.push([keyName(one), values.fallback]);
              return { key: one, found: false };
            }
            found.push([keyName(one), valueFromBytes(got.value, def.format, keyContext('get', one))]);
            return { key: one, found: true, version: got.version };
          });
          const all = results.every((result) => result.found);
          return {
            result: { operation: 'get', found: all, results },
            effective: all,
            write: (msg) => RED.util.setMessageProperty(msg, target, Object.fromEntries(found), true),
          };
        }
        const one = toKey(values.key, key.label, 'get');
        const got = await client.get(one, options);
        if (!got.found && def.missing === 'error') throw notFound(one);
        const value = got.found
          ? valueFromBytes(got.value, def.format, keyContext('get', one))
          : values.fallback;
        return {
          result: {
            operation: 'get',
            key: one,
            found: got.found,
            ...(got.found && { version: got.version }),
          },
          effective: got.found,
          write: (msg) => RED.util.setMessageProperty(msg, target, value, value !== undefined),
        };
      },
    });
  }
  RED.nodes.registerType('statestore-get', StateStoreGet);
};
