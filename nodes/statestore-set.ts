/** Stores a value under a key, or the properties of an object under keys of their names. */
import type { Node, NodeAPI } from 'node-red';
import type { SetOptions } from '../src/client/options';
import { keyContext, keyName, toKey } from '../src/node-red/key';
import { forEachKey } from '../src/node-red/many-keys';
import { makeRequestNode, type RequestNodeDef } from '../src/node-red/request-node';
import {
  fencingToken,
  type Precedence,
  prefer,
  readCondition,
  readExpiry,
  readTimeout,
  type TimeUnit,
} from '../src/node-red/request-options';
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
  /** Whether to ask that the key survive a restart of the whole broker. */
  persist?: boolean;
  messageOptions?: Precedence;
}

export = (RED: NodeAPI): void => {
  function StateStoreSet(this: Node, def: StateStoreSetDef): void {
    RED.nodes.createNode(this, def);
    const property = (field: string, value: string, type: string) =>
      new TypedProperty(RED, this, field, { value, type });
    const each = def.keyType === 'each';
    const key = each
      ? property('key', '', 'str')
      : new TypedProperty(RED, this, 'key', { value: def.key, type: def.keyType, template: true });
    const value = property('value', def.value, def.valueType);
    const expiry = property('expiry', def.expiry, def.expiryType);
    const token = property('fencing token', def.fencingToken, def.fencingTokenType);
    const msgExpiry = property('expiry', 'expiry', 'msg');
    const msgCondition = property('condition', 'condition', 'msg');
    const msgTimeout = property('timeout', 'timeout', 'msg');
    const { expiryUnit: unit, messageOptions: precedence } = def;
    const heeds = precedence !== 'ignore';

    makeRequestNode(RED, this, def, {
      operation: 'set',
      properties: { key, value, expiry, token, msgExpiry, msgCondition, msgTimeout },
      async perform(client, values, base) {
        const told = heeds ? readCondition(values.msgCondition, msgCondition) : undefined;
        const condition = prefer(def.condition || undefined, told, precedence);
        const toldExpiry = heeds ? readExpiry(values.msgExpiry, msgExpiry, unit) : undefined;
        const expires = prefer(readExpiry(values.expiry, expiry, unit), toldExpiry, precedence);
        const options: SetOptions = {
          ...base,
          ...(condition && condition !== 'always' && { condition }),
          ...(expires !== undefined && { expiry: expires }),
          ...(def.persist && { persist: true }),
          ...fencingToken(values.token, token),
          ...readTimeout(values.msgTimeout, precedence),
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
