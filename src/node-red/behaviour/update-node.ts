/** The update node changes a key in one step, also if other clients change it at the same time. */
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import { type UpdateResult, update } from '../../coordination/update';
import { type ErrorContext, StateStoreError } from '../../errors';
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
import { type ChangeDef, MessageChange } from './message-change';
import { isRecordChange } from './record-change';
import { type Answer, makeRequestNode, type RequestNodeDef } from './request-node';
import { EntriesInHand, finishedBy, firstFree, type TakenEntry, type Taker, takenBy } from './taking';

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
  /** The name for which an entry is taken. Blank, or missing in older nodes: the entry is removed at once. */
  taker?: string;
  takerType?: string;
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
  const { key, value, start, taker, expiry, lock, token, msgTimeout } = properties;
  const change = new MessageChange(RED, node, def);
  const target = new TargetProperty(RED, def.property || 'payload', 'update');
  const inHand = new EntriesInHand();

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
      const name = taker.blank ? undefined : toName(values.taker, taker.label, context);
      const entryId = def.change === 'finish' ? readEntryId(msg, context) : undefined;
      const by = name === undefined ? undefined : { name, ...(entryId !== undefined && { entryId }) };
      const result = await update(client, one, change.of(given, from, by, msg, context), {
        ...base,
        ...(timeout !== undefined && { timeout }),
        ...(expires !== undefined && { expiry: expires }),
        ...((def.persist || persists) && { persist: true }),
        ...(fencingToken !== undefined && { fencingToken }),
        ...(duration !== undefined && { duration }),
        ...(!lock.blank && { lock: toKey(values.lock, lock.label, OPERATION, 'lock') }),
      });
      return answerOf(one, result, by, context);
    },
  });

  function answerOf(
    one: Key,
    { updated, before, value: after, version }: UpdateResult,
    by: Taker | undefined,
    context: ErrorContext & { key: string },
  ): Answer {
    const shown = (bytes: Buffer) =>
      valueFromBytes(bytes, change.isTable ? 'ndjson' : 'auto-detect', () => context);
    const present = after && shown(after);
    const previous = before && shown(before);
    const { effective, value, taken } = outcomeOf({ updated, previous, present }, by, context.key);
    return {
      result: {
        operation: OPERATION,
        key: one,
        updated,
        ...(before && { before: previous }),
        ...(version !== undefined && { version }),
      },
      effective,
      write: (message) => {
        target.write(message, value);
        if (by) markEntry(message, taken);
      },
    };
  }

  /** The value for the message, the entry that it has from now on, and whether the message leaves by the first output. */
  function outcomeOf(
    { updated, previous, present }: { updated: boolean; previous: unknown; present: unknown },
    by: Taker | undefined,
    name: string,
  ): { effective: boolean; value: unknown; taken?: TakenEntry } {
    if (def.change === 'finish') return { effective: updated, value: by && finishedBy(previous, by)?.entry };
    if (def.change !== 'take') return { effective: updated, value: present };
    if (by === undefined) return { effective: updated, value: firstFree(previous) };
    const taken = takenBy(present, by.name);
    // Of an entry that the flow already has, there is nothing to send.
    const effective = inHand.accept(name, by.name, taken);
    return taken && effective ? { effective, value: taken.entry, taken } : { effective, value: undefined };
  }
}

function toName(value: unknown, label: string, context: ErrorContext & { key: string }): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number') return String(value);
  throw new StateStoreError(
    'BAD_ARGUMENT',
    {
      problem: `${label} is not a name: key ${context.key} was not changed`,
      advice: 'Set it to a text or a number that no other instance has.',
    },
    context,
  );
}

/** The ID of the entry that a message took. With it, a message that arrives twice or late finishes no other entry. */
function readEntryId(
  { entryId }: NodeMessageInFlow & { entryId?: unknown },
  context: ErrorContext & { key: string },
): string | undefined {
  if (entryId === undefined || typeof entryId === 'string') return entryId;
  const problem = `msg.entryId is not text: key ${context.key} was not changed`;
  const advice = 'Keep it as the node that took the entry has set it, or remove it.';
  throw new StateStoreError('BAD_ARGUMENT', { problem, advice }, context);
}

function markEntry(msg: NodeMessageInFlow & { entryId?: string }, taken: TakenEntry | undefined): void {
  if (taken) msg.entryId = taken.id;
  else delete msg.entryId;
}

/** The typed inputs of the node, and the options that a message may have. An input that the change does not use is blank. */
function propertiesOf(RED: NodeAPI, node: Node, def: UpdateNodeDef) {
  const { change } = def;
  const property = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type });
  const key = (field: string, value: string, type: string) =>
    new TypedProperty(RED, node, field, { value, type, template: true });
  const takes = change === 'take' || change === 'finish';
  const usesValue = change !== 'expression' && !takes;
  const usesStart = change !== 'set' && !takes && !isRecordChange(change);
  return {
    key: key('key', def.key, def.keyType),
    value:
      change === 'add'
        ? property('amount', def.amount, def.amountType)
        : property('value', usesValue ? def.value : '', def.valueType),
    start: property('start value', usesStart ? def.start : '', def.startType),
    taker: key('name under "Taken by"', (takes && def.taker) || '', def.takerType ?? 'str'),
    expiry: property('expiry', def.expiry, def.expiryType),
    lock: key('lock', def.lock, def.lockType),
    token: property('fencing token', def.fencingToken ?? 'fencingToken', def.fencingTokenType ?? 'msg'),
    msgTimeout: property('timeout', 'timeout', 'msg'),
  };
}
