/** Deletes a key or many keys, if asked only where the value is a certain one. */
import type { Node, NodeAPI } from 'node-red';
import type { WriteOptions } from '../src/client/options';
import { makeRequestNode, type RequestNodeDef } from '../src/node-red/behaviour/request-node';
import { type Key, keyContext, toKey, toKeys } from '../src/node-red/message/key';
import { forEachKey } from '../src/node-red/message/many-keys';
import { readFencingToken, readTimeout } from '../src/node-red/message/request-options';
import { TypedProperty } from '../src/node-red/message/typed-property';
import { valueToBytes } from '../src/node-red/message/value';

interface StateStoreDeleteDef extends RequestNodeDef {
  key: string;
  keyType: string;
  /** Whether to delete only where the value equals `value`. */
  onlyIfValue: boolean;
  value: string;
  valueType: string;
  fencingToken: string;
  fencingTokenType: string;
}

export = (RED: NodeAPI): void => {
  function StateStoreDelete(this: Node, def: StateStoreDeleteDef): void {
    RED.nodes.createNode(this, def);
    const property = (field: string, value: string, type: string) =>
      new TypedProperty(RED, this, field, { value, type });
    const key = new TypedProperty(RED, this, 'key', { value: def.key, type: def.keyType, template: true });
    const value = def.onlyIfValue
      ? property('value', def.value, def.valueType)
      : property('value', '', 'str');
    const token = property('fencing token', def.fencingToken, def.fencingTokenType);
    const msgTimeout = property('timeout', 'timeout', 'msg');

    makeRequestNode(RED, this, def, {
      operation: 'delete',
      properties: { key, value, token, msgTimeout },
      perform(client, values, base) {
        const options: WriteOptions = { ...base };
        const fencingToken = readFencingToken(values.token, token);
        if (fencingToken !== undefined) options.fencingToken = fencingToken;
        const timeout = readTimeout(values.msgTimeout);
        if (timeout !== undefined) options.timeout = timeout;
        const remove = (one: Key) => {
          const removed = def.onlyIfValue
            ? client.deleteIfValue(
                one,
                valueToBytes(values.value, value.label, () => keyContext('delete', one)),
                options,
              )
            : client.delete(one, options);
          return removed.then(({ deleted, version }) =>
            version === undefined ? { key: one, deleted } : { key: one, deleted, version },
          );
        };
        if (!Array.isArray(values.key)) {
          return remove(toKey(values.key, key.label, 'delete')).then((result) => ({
            result: { operation: 'delete', ...result },
            effective: result.deleted,
          }));
        }
        return forEachKey('delete', toKeys(values.key, key.label, 'delete'), async (one) => remove(one)).then(
          (results) => {
            const all = results.every((result) => result.deleted);
            return { result: { operation: 'delete', deleted: all, results }, effective: all };
          },
        );
      },
    });
  }
  RED.nodes.registerType('statestore-delete', StateStoreDelete);
};
