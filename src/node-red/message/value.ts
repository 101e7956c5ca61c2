/** Values between messages and the store, which knows nothing but bytes. */
import { isUtf8 } from 'node:buffer';
import { parseJson } from '../../client/exact-json';
import { type ErrorContext, StateStoreError } from '../../errors';
import { NoJsonError, toJson } from './json';
import { ownBytes } from './key';
import { recordsFromBytes } from './reference-data';

/** What a value becomes on its way out, in the words of Core's mqtt-in node. */
export type ValueFormat = 'auto-detect' | 'buffer' | 'utf8' | 'json' | 'base64' | 'ndjson';

/** Names the key in errors. Printing a key costs more than storing it, so the name is made only for an error. */
export type ContextOf = () => ErrorContext;

/**
 * A value of a message as bytes: bytes as they are, text as UTF-8, everything else as JSON.
 * `label` names where it came from. Throws `BAD_ARGUMENT` for what cannot be stored.
 */
export function valueToBytes(value: unknown, label: string, contextOf: ContextOf): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  const bytes = ownBytes(value);
  if (bytes instanceof Uint8Array) return bytes;
  const json =
    typeof value === 'number' && !Number.isFinite(value) ? undefined : stringify(value, label, contextOf);
  if (json === undefined) {
    const context = contextOf();
    const found = typeof value === 'number' ? String(value) : typeof value;
    throw new StateStoreError(
      'BAD_ARGUMENT',
      `${label} is ${found}, so there is nothing to store${context.key === undefined ? '' : ` under key ${context.key}`}. Set it to a string, number, boolean, object, array, null or buffer.`,
      context,
    );
  }
  return Buffer.from(json);
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
    const message = (error as Error).message.split('\n')[0];
    throw new StateStoreError('BAD_ARGUMENT', `${label} cannot be written as JSON: ${message}.`, context);
  }
}

/** Bytes from the store as a value of a message. Throws `BAD_RESPONSE` if they are not JSON, or NDJSON, as `format` asks for. */
export function valueFromBytes(bytes: Buffer, format: ValueFormat, contextOf: ContextOf): unknown {
  switch (format) {
    case 'buffer':
      // The answer's packet would stay in memory as long as a view into it.
      return Buffer.from(bytes);
    case 'base64':
      return bytes.toString('base64');
    case 'utf8':
      return bytes.toString('utf8');
    case 'ndjson':
      return recordsFromBytes(bytes, contextOf);
    case 'json':
      return parseAsJson(bytes, contextOf);
    default:
      return detect(bytes);
  }
}

function parseAsJson(bytes: Buffer, contextOf: ContextOf): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const context = contextOf();
    throw new StateStoreError(
      'BAD_RESPONSE',
      `The value of key ${context.key} is not valid JSON. Choose another output format in the node.`,
      { ...context, cause: error },
    );
  }
}

/** How JSON begins. To try what begins otherwise would cost more than all the rest. */
const JSON_BEGIN = /^[ \t\n\r]*(?:[{["\d-]|true|false|null)/;

function detect(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) return Buffer.from(bytes);
  const text = bytes.toString('utf8');
  if (!JSON_BEGIN.test(text)) return text;
  try {
    return parseJson(text);
  } catch {
    return text;
  }
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
    `${label} must be an object of keys and values, because this node stores each of its properties under a key of its own.`,
    { operation: 'set' },
  );
}
