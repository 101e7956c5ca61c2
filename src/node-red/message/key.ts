/** Keys of messages: text, numbers as text, or bytes. */
import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { type ErrorContext, type Operation, printableKey, StateStoreError } from '../../errors';

export type Key = string | Uint8Array;

/** One key, which may be that of a lock. `label` names where it came from. Throws `BAD_ARGUMENT` for what can be none. */
export function toKey(
  value: unknown,
  label: string,
  operation: Operation,
  role: 'key' | 'lock' = 'key',
): Key {
  const key = typeof value === 'number' ? String(value) : ownBytes(value);
  if ((typeof key === 'string' || key instanceof Uint8Array) && key.length > 0) return key;
  const found = key === '' || key instanceof Uint8Array ? 'empty' : nameOf(value);
  const noun = role === 'key' ? `key to ${operation}` : role;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `${label} is ${found}, but the ${noun} must be text, a number or a buffer, not empty. Fill in the ${role} of this node, or the property it is taken from.`,
    { operation },
  );
}

/** The keys of a list. */
export function toKeys(list: readonly unknown[], label: string, operation: Operation): Key[] {
  return list.map((value, index) => toKey(value, `${label}[${index}]`, operation));
}

/** The bytes of a typed array, an ArrayBuffer or a DataView of any realm: function nodes have their own. Other values unchanged. */
export function ownBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return types.isAnyArrayBuffer(value) ? Buffer.from(value) : value;
}

/** The name of a key in an object of results: its text, or `0x...` where it is none. */
export function keyName(key: Key): string {
  if (typeof key === 'string') return key;
  const bytes = Buffer.from(key);
  return isUtf8(bytes) ? bytes.toString('utf8') : `0x${bytes.toString('hex')}`;
}

export function keyContext(operation: Operation, key: Key): ErrorContext & { key: string } {
  return { operation, key: printableKey(typeof key === 'string' ? Buffer.from(key) : key) };
}

/** For nodes that are to fail where a key is missing. */
export function notFound(key: Key): StateStoreError {
  const context = keyContext('get', key);
  return new StateStoreError(
    'KEY_NOT_FOUND',
    `There is no key ${context.key} in the state store. Set it first, or change "If missing" in the node.`,
    context,
  );
}

/** For nodes that are to fail if no key matches a pattern. */
export function noneMatches(pattern: Key): StateStoreError {
  const context = keyContext('get', pattern);
  return new StateStoreError(
    'KEY_NOT_FOUND',
    `No key in the state store matches the pattern ${context.key}. Check the pattern, or select in the node what to do when no key matches.`,
    context,
  );
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : `of type ${typeof value}`;
}
