/** What the delete node does: deletes a key or many keys, on request only if the value is a certain one. */
import type { Node, NodeAPI } from 'node-red';
import type { WriteOptions } from '../../client/options';
import { type Key, keyContext, toKey, toKeys } from '../message/key';
import { forEachKey } from '../message/many-keys';
import { readFencingToken, readTimeout } from '../message/request-options';
import { TypedProperty } from '../message/typed-property';
import { valueToBytes } from '../message/value';
import { makeRequestNode, type RequestNodeDef } from './request-node';

export interface DeleteNodeDef extends RequestNodeDef {
  key: string;
  keyType: string;
  /** Whether to delete only where the value equals `value`. */
  onlyIfValue: boolean;
  value: string;
  valueType: string;
  fencingToken: string;
  fencingTokenType: string;
}

/** Makes a created node a delete node. */
export function makeDeleteNode(RED: NodeAPI, node: Node, def: DeleteNodeDef): void {
  const property = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type });
  const key = new TypedProperty(RED, node, 'key', { value: def.key, type: def.keyType, template: true });
  const value = def.onlyIfValue ? property('value', def.value, def.valueType) : property('value', '', 'str');
  const token = property('fencing token', def.fencingToken, def.fencingTokenType);
  const msgTimeout = property('timeout', 'timeout', 'msg');

  makeRequestNode(RED, node, def, {
    operation: 'delete',
    properties: { key, value, token, msgTimeout },
    perform(client, values, base) {
      const options: WriteOptions = { ...base };
      const fencingToken = readFencingToken(values.token, token, 'delete');
      if (fencingToken !== undefined) options.fencingToken = fencingToken;
      const timeout = readTimeout(values.msgTimeout, msgTimeout, 'delete');
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
