/** Values between messages and the store, which knows nothing but bytes. */
import { isAscii, isUtf8, transcode } from 'node:buffer';
import { parseJson } from '../../client/exact-json';
import { type ErrorContext, messageOf, StateStoreError } from '../../errors';
import { NoJsonError, toJson } from './json';
import { ownBytes } from './key';
import { recordsFromBytes } from './reference-data';

/** What a value becomes on its way out, in the words of Core's mqtt-in node. */
export type ValueFormat = 'auto-detect' | 'buffer' | 'utf8' | 'json' | 'base64' | 'ndjson';

/** Names the key in errors. Printing a key costs more than storing it, so the name is made only for an error. */
export type ContextOf = () => ErrorContext;

/** {@link valueToStore} as bytes. */
export function valueToBytes(value: unknown, label: string, contextOf: ContextOf): Uint8Array {
  const stored = valueToStore(value, label, contextOf);
  return typeof stored === 'string' ? Buffer.from(stored) : stored;
}

/**
 * A value of a message as the client takes it: bytes as they are, text as it is, everything else as JSON.
 * `label` names where it came from. Throws `BAD_ARGUMENT` for what cannot be stored.
 */
export function valueToStore(value: unknown, label: string, contextOf: ContextOf): string | Uint8Array {
  if (typeof value === 'string') return value;
  const bytes = ownBytes(value);
  if (bytes instanceof Uint8Array) return bytes;
  const json =
    typeof value === 'number' && !Number.isFinite(value) ? undefined : stringify(value, label, contextOf);
  if (json === undefined) {
    const context = contextOf();
    const found = typeof value === 'number' ? String(value) : typeof value;
    throw new StateStoreError(
      'BAD_ARGUMENT',
      `${label} is ${found}, which cannot be stored${context.key === undefined ? '' : ` under key ${context.key}`}. Set it to a string, number, boolean, object, array, null or buffer.`,
      context,
    );
  }
  return json;
}

function stringify(value: unknown, label: string, contextOf: ContextOf): string | undefined {
  try {
    return toJson(value);
  } catch (error) {
    const context = { ...contextOf(), cause: error };
    if (error instanceof NoJsonError)
      throw new StateStoreError(
        'BAD_ARGUMENT',
        {
          problem: `${label}${error.path} is of type ${error.kind}, which cannot be stored`,
          advice: 'Convert it first to an object, a list, text, a number or a buffer.',
        },
        context,
      );
    const message = messageOf(error).split('\n')[0];
    throw new StateStoreError(
      'BAD_ARGUMENT',
      `${label} cannot be converted to JSON: ${message}. Remove the parts that JSON does not have, such as circular references.`,
      context,
    );
  }
}

/** Bytes from the store as a value of a message. Throws `BAD_RESPONSE` if they are not JSON, or NDJSON, as `format` asks for. */
export function valueFromBytes(bytes: Buffer, format: ValueFormat, contextOf: ContextOf): unknown {
  return valueFromStored(storedFromBytes(bytes, format, false), format, contextOf);
}

/**
 * What {@link valueFromStored} makes a value of: text, or bytes with memory of their own, which `isOwn` says of the given ones. The given ones may be
 * gone afterwards. Never throws.
 */
export function storedFromBytes(bytes: Buffer, format: ValueFormat, isOwn: boolean): string | Buffer {
  switch (format) {
    case 'base64':
      return bytes.toString('base64');
    case 'utf8':
    case 'json':
      return textOf(bytes) ?? bytes.toString('utf8');
    case 'buffer':
    case 'ndjson':
      return isOwn ? bytes : Buffer.from(bytes);
    default:
      return textOf(bytes) ?? (isOwn ? bytes : Buffer.from(bytes));
  }
}

/** From this length on the way by UTF-16 is faster, several times. */
const LONG_BYTES = 4096;

/** The text, if it is UTF-8. Nearly all of it is ASCII, which is looked at once. */
function textOf(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (!isUtf8(bytes)) return undefined;
  return bytes.length < LONG_BYTES
    ? bytes.toString('utf8')
    : transcode(bytes, 'utf8', 'utf16le').toString('utf16le');
}

/** A value of a message. Throws as {@link valueFromBytes}. */
export function valueFromStored(stored: string | Buffer, format: ValueFormat, contextOf: ContextOf): unknown {
  if (typeof stored !== 'string') return format === 'ndjson' ? recordsFromBytes(stored, contextOf) : stored;
  if (format === 'json') return parseAsJson(stored, contextOf);
  return format === 'utf8' || format === 'base64' ? stored : detect(stored);
}

function parseAsJson(text: string, contextOf: ContextOf): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const context = contextOf();
    throw new StateStoreError(
      'BAD_RESPONSE',
      `The value of key ${context.key} is not valid JSON. Change "Convert to" in the node.`,
      { ...context, cause: error },
    );
  }
}

/** How JSON begins, and how it ends then. To try what begins or ends otherwise would cost more than all the rest. */
const JSON_BEGIN = /^[ \t\n\r]*(?:[{["\d-]|true|false|null)/;
const JSON_NUMBER = /^[ \t\n\r]*-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[ \t\n\r]*$/;
const JSON_ENDS: Record<string, string | undefined> = { '{': '}', '[': ']', '"': '"' };

function detect(text: string): unknown {
  const begin = JSON_BEGIN.exec(text)?.[0].at(-1);
  if (begin === undefined) return text;
  const end = JSON_ENDS[begin];
  const mayBeJson = end === undefined ? /[a-z]/.test(begin) || JSON_NUMBER.test(text) : endsWith(text, end);
  if (!mayBeJson) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

/** Whether the last character that is no white space of JSON is this one. */
function endsWith(text: string, last: string): boolean {
  let at = text.length - 1;
  while (at > 0 && ' \t\n\r'.includes(text[at] as string)) at--;
  return text[at] === last;
}

/** The properties of an object of keys and values. Throws `BAD_ARGUMENT` when it is none. */
export function toEntries(value: unknown, label: string): [string, unknown][] {
  const isObject =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(ownBytes(value) instanceof Uint8Array);
  if (isObject) return Object.entries(value);
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `${label} must be an object of keys and values, because this node stores each property under its own key.`,
    { operation: 'set' },
  );
}
