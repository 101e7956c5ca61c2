/** What the delete node does: deletes a key or many keys, on request only if the value is a certain one. */
import type { Node, NodeAPI } from 'node-red';
import type { WriteOptions } from '../../client/options';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName, toKey, toKeys } from '../message/key';
import { keyProperty, keysThatMatch, PATTERN, readLimit } from '../message/key-pattern';
import { forEachKey } from '../message/many-keys';
import { readFencingToken, readTimeout } from '../message/request-options';
import { TypedProperty } from '../message/typed-property';
import { valueToBytes } from '../message/value';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface DeleteNodeDef extends RequestNodeDef {
  key: string;
  /** A typed input's type, or `pattern`: all keys that match. */
  keyType: string;
  /** Of a pattern: the largest number of keys; blank: 1,000. */
  maxKeys?: string;
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
  const key = keyProperty(RED, node, def);
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
      if (def.keyType === PATTERN)
        return deleteMatching(client, toKey(values.key, key.label, 'delete'), remove, options);
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

  async function deleteMatching(
    client: StateStoreClient,
    pattern: Key,
    remove: (key: Key) => Promise<{ deleted: boolean }>,
    { signal, timeout }: WriteOptions,
  ): Promise<Answer> {
    const limit = readLimit(def.maxKeys, 'delete');
    const options = { ...(signal && { signal }), ...(timeout !== undefined && { timeout }) };
    const keys = await keysThatMatch(client, pattern, { operation: 'delete', limit, options });
    const results = await forEachKey('delete', keys, remove);
    const outcomes = results.map(({ deleted }, i) => [keyName(keys[i] as Key), deleted]);
    const deleted = results.length > 0 && results.every((result) => result.deleted);
    return {
      result: { operation: 'delete', pattern, deleted, keys: Object.fromEntries(outcomes) },
      effective: deleted,
    };
  }
}
