/** Stores a value under a key, or the properties of an object under keys of their names. */
import type { Node, NodeAPI } from 'node-red';
import type { SetOptions } from '../src/client/options';
import { keyContext, keyName, toKey } from '../src/node-red/key';
import { forEachKey } from '../src/node-red/many-keys';
import { makeRequestNode, type RequestNodeDef } from '../src/node-red/request-node';
import { expiryMilliseconds, fencingToken, type TimeUnit } from '../src/node-red/request-options';
import { TypedProperty } from '../src/node-red/typed-property';
import { toEntries, valueToBytes } from '../src/node-red/value';

interface StateStoreSetDef extends RequestNodeDef {
  key: string;
  /** A typed input's type, or `each`: every property of the value is a key of its own. */
  keyType: string;
  value: string;
  valueType: string;
  condition: '' | 'NX' | 'NEX';
  expiry: string;
  expiryType: string;
  expiryUnit: TimeUnit;
  fencingToken: string;
  fencingTokenType: string;
}

export = (RED: NodeAPI): void => {
  function StateStoreSet(this: Node, def: StateStoreSetDef): void {
    RED.nodes.createNode(this, def);
    const property = (field: string, value: string, type: string) =>
      new TypedProperty(RED, this, field, { value, type });
    const each = def.keyType === 'each';
    const key = each ? property('key', '', 'str') : property('key', def.key, def.keyType);
    const value = property('value', def.value, def.valueType);
    const expiry = property('expiry', def.expiry, def.expiryType);
    const token = property('fencing token', def.fencingToken, def.fencingTokenType);

    makeRequestNode(RED, this, def, {
      operation: 'set',
      properties: { key, value, expiry, token },
      async perform(client, values, base) {
        const options: SetOptions = {
          ...base,
          ...(def.condition && { condition: def.condition }),
          ...expiryMilliseconds(values.expiry, expiry, def.expiryUnit),
          ...fencingToken(values.token, token),
        };
        if (each) {
          const entries = toEntries(values.value, value.label);
          const keys = entries.map(([name]) => toKey(name, `a property name of ${value.label}`, 'set'));
          const results = await forEachKey('set', keys, async (one, index) => {
            const bytes = valueToBytes(
              entries[index]?.[1],
              `${value.label}.${keyName(one)}`,
              keyContext('set', one),
            );
            return { key: one, ...(await client.set(one, bytes, options)) };
          });
          const stored = results.every((result) => result.stored);
          return { result: { operation: 'set', stored, results }, effective: stored };
        }
        const one = toKey(values.key, key.label, 'set');
        const bytes = valueToBytes(values.value, value.label, keyContext('set', one));
        const result = await client.set(one, bytes, options);
        return { result: { operation: 'set', key: one, ...result }, effective: result.stored };
      },
    });
  }
  RED.nodes.registerType('statestore-set', StateStoreSet);
};
