/** The update node changes a key in one step, also if other clients change it at the same time. */
import type { Node, NodeAPI } from 'node-red';
import { type Change, update } from '../../coordination/update';
import { keyContext, toKey } from '../message/key';
import { recordsToBytes } from '../message/reference-data';
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
import { fieldText } from '../words/field-text';
import {
  type ChangeKind,
  changeOf,
  checkDigits,
  newBytes,
  presentValue,
  takenFrom,
  toChangeKind,
} from './change';
import { DELETE, Expression } from './expression';
import { isRecordChange, type RecordChange, recordChangeOf } from './record-change';
import { makeRequestNode, type RequestNodeDef } from './request-node';

export interface UpdateNodeDef extends RequestNodeDef {
  key: string;
  keyType: string;
  change: ChangeKind | RecordChange | 'expression';
  /** What is added. */
  amount: string;
  amountType: string;
  /** What is appended, merged, compared or set. */
  value: string;
  valueType: string;
  /** JSONata, with `$value`. */
  expression: string;
  /** How many entries of a list are kept; blank: all. */
  keep: string;
  /** Of `set`: `ndjson` for a list of objects, one for each line. */
  format?: 'auto' | 'ndjson';
  /** The property that identifies a record; missing in nodes that were saved before this field existed. */
  identity?: string;
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
  const property = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type });
  const { change: kind } = def;
  const isTable = isRecordChange(kind) || (kind === 'set' && def.format === 'ndjson');
  const key = new TypedProperty(RED, node, 'key', { value: def.key, type: def.keyType, template: true });
  const value =
    kind === 'add'
      ? property('amount', def.amount, def.amountType)
      : property('value', kind === 'expression' || kind === 'take' ? '' : def.value, def.valueType);
  const start = property(
    'start value',
    kind === 'set' || kind === 'take' || isRecordChange(kind) ? '' : def.start,
    def.startType,
  );
  const expiry = property('expiry', def.expiry, def.expiryType);
  const lock = new TypedProperty(RED, node, 'lock', {
    value: def.lock,
    type: def.lockType,
    template: true,
  });
  const token = property('fencing token', def.fencingToken ?? 'fencingToken', def.fencingTokenType ?? 'msg');
  const msgTimeout = property('timeout', 'timeout', 'msg');
  const expression = new Expression(RED, node, fieldText(def.expression));
  const target = new TargetProperty(RED, def.property || 'payload', 'update');

  makeRequestNode(RED, node, def, {
    operation: OPERATION,
    properties: { key, value, start, expiry, lock, token, msgTimeout },
    async perform(client, values, base, msg, persists) {
      const one = toKey(values.key, key.label, OPERATION);
      const context = keyContext(OPERATION, one);
      const ownTimeout = readSeconds({ ...TIMEOUT, value: def.timeout }, OPERATION);
      const timeout = prefer(ownTimeout, readTimeout(values.msgTimeout, msgTimeout, OPERATION));
      const duration = readSeconds({ ...DURATION, value: def.duration }, OPERATION);
      const expires = readExpiry(values.expiry, expiry, def.expiryUnit, OPERATION);
      const fencingToken = readFencingToken(values.token, token, OPERATION);
      const from = start.blank ? undefined : values.start;
      let change: Change;
      if (kind === 'expression') {
        expression.check(context);
        change = async (bytes) => {
          const present = presentValue(bytes, from, context);
          const next = await expression.evaluate(msg, present, context);
          if (next === DELETE) return undefined;
          const made = newBytes(bytes, present, next, 'the result of the expression', context);
          if (made !== bytes) checkDigits(bytes, made, context);
          return made;
        };
      } else if (kind === 'set' && def.format === 'ndjson') {
        const bytes = Buffer.from(recordsToBytes(values.value, () => context));
        change = () => bytes;
      } else if (isRecordChange(kind)) {
        const given = { value: values.value, label: value.label };
        change = recordChangeOf({ kind, given, identity: fieldText(def.identity), context });
      } else {
        const given = { value: values.value, label: value.label };
        change = changeOf({
          kind: toChangeKind(kind, context),
          given,
          start: from,
          keep: def.keep,
          context,
        });
      }
      const result = await update(client, one, change, {
        ...base,
        ...(timeout !== undefined && { timeout }),
        ...(expires !== undefined && { expiry: expires }),
        ...((def.persist || persists) && { persist: true }),
        ...(fencingToken !== undefined && { fencingToken }),
        ...(duration !== undefined && { duration }),
        ...(!lock.blank && { lock: toKey(values.lock, lock.label, OPERATION, 'lock') }),
      });
      const { updated, before, version } = result;
      const shown = (bytes: Buffer) =>
        valueFromBytes(bytes, isTable ? 'ndjson' : 'auto-detect', () => context);
      const now = result.value && shown(result.value);
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
        write: (message) => target.write(message, kind === 'take' ? taken : now),
      };
    },
  });
}
