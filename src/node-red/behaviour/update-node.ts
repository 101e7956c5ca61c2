/** The update node changes a key in one step, also if other clients change it at the same time. */
import type { Node, NodeAPI } from 'node-red';
import { type UpdateResult, update } from '../../coordination/update';
import type { ErrorContext } from '../../errors';
import { type Key, keyContext, toKey } from '../message/key';
import {
  prefer,
  readExpiry,
  readFencingToken,
  readSeconds,
  readTimeout,
  type TimeUnit,
} from '../message/request-options';
import { TargetProperty } from '../message/target-property';
import { TypedProperty } from '../message/typed-property';
import { valueFromBytes } from '../message/value';
import { takenFrom } from './change';
import { type ChangeDef, MessageChange } from './message-change';
import { isRecordChange } from './record-change';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';

export interface UpdateNodeDef extends RequestNodeDef, ChangeDef {
  key: string;
  keyType: string;
  /** What is added. */
  amount: string;
  amountType: string;
  /** What is appended, merged, compared or set. */
  value: string;
  valueType: string;
  /** Stands for the value of a missing key; blank: what is usual for the change. */
  start: string;
  startType: string;
  expiry: string;
  expiryType: string;
  expiryUnit: TimeUnit;
  /** Whether to ask that the key survive a restart of the whole broker. */
  persist: boolean;
  /** Message property that receives the new value. */
  property: string;
  /** Blank: the key with `/lock` at its end. */
  lock: string;
  lockType: string;
  /** Sent in place of the lock's own; missing in nodes that were saved before this field existed. */
  fencingToken?: string;
  fencingTokenType?: string;
  /** Seconds after which the lock of a Node-RED that ended is free; blank: 10. */
  duration: string;
  /** Seconds after which a message gives up; blank: the timeout of the store. */
  timeout: string;
}

/** In seconds. */
const DURATION = { field: 'Lease', min: 0.1, max: 3600 };
const TIMEOUT = { field: 'Timeout', min: 0.001, max: 2_000_000 };
const OPERATION = 'update';

/** Makes a created node an update node. */
export function makeUpdateNode(RED: NodeAPI, node: Node, def: UpdateNodeDef): void {
  const properties = propertiesOf(RED, node, def);
  const { key, value, start, expiry, lock, token, msgTimeout } = properties;
  const change = new MessageChange(RED, node, def);
  const target = new TargetProperty(RED, def.property || 'payload', 'update');

  makeRequestNode(RED, node, def, {
    operation: OPERATION,
    properties,
    async perform(client, values, base, msg, persists) {
      const one = toKey(values.key, key.label, OPERATION);
      const context = keyContext(OPERATION, one);
      const ownTimeout = readSeconds({ ...TIMEOUT, value: def.timeout }, OPERATION);
      const timeout = prefer(ownTimeout, readTimeout(values.msgTimeout, msgTimeout, OPERATION));
      const duration = readSeconds({ ...DURATION, value: def.duration }, OPERATION);
      const expires = readExpiry(values.expiry, expiry, def.expiryUnit, OPERATION);
      const fencingToken = readFencingToken(values.token, token, OPERATION);
      const given = { value: values.value, label: value.label };
      const from = start.blank ? undefined : values.start;
      const result = await update(client, one, change.of(given, from, msg, context), {
        ...base,
        ...(timeout !== undefined && { timeout }),
        ...(expires !== undefined && { expiry: expires }),
        ...((def.persist || persists) && { persist: true }),
        ...(fencingToken !== undefined && { fencingToken }),
        ...(duration !== undefined && { duration }),
        ...(!lock.blank && { lock: toKey(values.lock, lock.label, OPERATION, 'lock') }),
      });
      return answerOf(one, result, context);
    },
  });

  function answerOf(
    one: Key,
    { updated, before, value: after, version }: UpdateResult,
    context: ErrorContext,
  ): Answer {
    const shown = (bytes: Buffer) =>
      valueFromBytes(bytes, change.isTable ? 'ndjson' : 'auto-detect', () => context);
    const now = after && shown(after);
    const taken = before && takenFrom(shown(before));
    return {
      result: {
        operation: OPERATION,
        key: one,
        updated,
        ...(before && { before: shown(before) }),
        ...(version !== undefined && { version }),
      },
      effective: updated,
      write: (message) => target.write(message, def.change === 'take' ? taken : now),
    };
  }
}

/** The typed inputs of the node, and the options that a message may have. An input that the change does not use is blank. */
function propertiesOf(RED: NodeAPI, node: Node, def: UpdateNodeDef) {
  const { change } = def;
  const property = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type });
  const key = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type, template: true });
  const usesValue = change !== 'expression' && change !== 'take';
  const usesStart = change !== 'set' && change !== 'take' && !isRecordChange(change);
  return {
    key: key('key', def.key, def.keyType),
    value:
      change === 'add'
        ? property('amount', def.amount, def.amountType)
        : property('value', usesValue ? def.value : '', def.valueType),
    start: property('start value', usesStart ? def.start : '', def.startType),
    expiry: property('expiry', def.expiry, def.expiryType),
    lock: key('lock', def.lock, def.lockType),
    token: property('fencing token', def.fencingToken ?? 'fencingToken', def.fencingTokenType ?? 'msg'),
    msgTimeout: property('timeout', 'timeout', 'msg'),
  };
}
