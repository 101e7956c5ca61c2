/**
 * What the store answers, per request: docs/protocol.md section 2. Each `parse...Reply` throws
 * {@link ServiceError} when the store refused and {@link StateStoreError} `BAD_RESPONSE` when the payload is
 * not an answer to this request.
 */
import { type ErrorContext, isWrite, messageOf, StateStoreError } from '../errors';
import { ServiceError } from './errors';
import { encodeItem, encodePage, type Item, type Page, parseItem, parsePage } from './resp3';

const OK = 'OK';

/** Payloads the store sends; the emulator's half of this file. */
export const reply = {
  ok: encodeItem({ type: 'simple', text: OK }),
  notApplied: encodeItem({ type: 'number', value: -1 }),
  missing: encodeItem({ type: 'blob', value: null }),
  count: (value: 0 | 1) => encodeItem({ type: 'number', value }),
  value: (value: Buffer) => encodeItem({ type: 'blob', value }),
  page: (page: Page) => encodePage(page),
  error: (text: string) => encodeItem({ type: 'error', text }),
};

/** SET: true when applied, false when NX or NEX held it back. */
export function parseSetReply(payload: Buffer, context: ErrorContext = {}): boolean {
  if (isOk(payload)) return true; // nearly always
  const item = read(payload, context);
  if (item.type === 'number' && item.value === -1) return false;
  throw unexpected(item, context);
}

/** By hand: for so few bytes a call into the runtime takes longer. */
function isOk(payload: Buffer): boolean {
  if (payload.length !== reply.ok.length) return false;
  for (let at = 0; at < payload.length; at++) if (payload[at] !== reply.ok[at]) return false;
  return true;
}

/** GET: the value (a view into the payload, possibly empty), or null when there is no such key. */
export function parseGetReply(payload: Buffer, context: ErrorContext = {}): Buffer | null {
  const item = read(payload, context);
  if (item.type === 'blob') return item.value;
  throw unexpected(item, context);
}

/** Whether the answer to a write says that it was applied: `+OK`, or a count from 1. */
export function isApplied(payload: Buffer): boolean {
  const text = payload.toString('latin1', 0, 2);
  return text[0] === '+' || /^:[1-9]/.test(text);
}

/** DEL and VDEL: deleted, no such key, or (VDEL only) another value is there. */
export type DeleteReply = 'deleted' | 'missing' | 'different';

export function parseDeleteReply(payload: Buffer, context: ErrorContext = {}): DeleteReply {
  const item = read(payload, context);
  if (item.type === 'number' && item.value >= -1) {
    if (item.value === -1) return 'different';
    return item.value === 0 ? 'missing' : 'deleted';
  }
  throw unexpected(item, context);
}

/** KEYNOTIFY: true when this request changed what is observed, false when it was so already. */
export function parseObserveReply(payload: Buffer, context: ErrorContext = {}): boolean {
  const item = read(payload, context);
  if (item.type === 'simple' && item.text === OK) return true;
  if (item.type === 'number' && item.value === 0) return false;
  throw unexpected(item, context);
}

/** SCAN: one page of keys, views into the payload. */
export function parseScanReply(payload: Buffer, context: ErrorContext = {}): Page {
  if (payload[0] === '*'.charCodeAt(0)) return parse(payload, parsePage, context);
  throw unexpected(read(payload, context), context);
}

function read(payload: Buffer, context: ErrorContext): Item {
  const item = parse(payload, parseItem, context);
  if (item.type === 'error') throw ServiceError.fromText(item.text, context);
  return item;
}

function parse<Parsed>(payload: Buffer, parser: (payload: Buffer) => Parsed, context: ErrorContext): Parsed {
  try {
    return parser(payload);
  } catch (error) {
    const { operation, key } = context;
    throw new StateStoreError('BAD_RESPONSE', notUnderstood(messageOf(error), context), {
      operation,
      key,
      cause: error,
    });
  }
}

function unexpected(item: Item, context: ErrorContext): StateStoreError {
  const found = item.type === 'simple' ? JSON.stringify(item.text.slice(0, 30)) : `a ${item.type}`;
  return new StateStoreError(
    'BAD_RESPONSE',
    notUnderstood(`${found} is not a response to this request.`, context),
    context,
  );
}

function notUnderstood(detail: string, { operation, key }: ErrorContext): string {
  const request = `${operation ?? 'the request'}${key === undefined ? '' : ` for key ${key}`}`;
  const doubt = isWrite({ operation })
    ? ' It may or may not have been applied. Get the key to find out.'
    : '';
  return `The response to ${request} is not valid. ${detail}${doubt} Check that the state store, and no other program, responds on this broker.`;
}
