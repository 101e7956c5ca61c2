/**
 * Files of keys to load at the start: the `statestore.json` of Microsoft's test environment for WASM modules, a JSON list of objects with one
 * key each, and NDJSON with `key` and `value` or `valueBase64`.
 */

import { messageOf } from '../../errors';
import type { LoadedKey } from './change';

/** The file is not valid. The message names the place of the fault. */
export class LoadError extends Error {}

const NAMES = ['key', 'value', 'valueBase64'];
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads either format. Throws {@link LoadError}. */
export function readLoadedKeys(text: string): LoadedKey[] {
  const content = text.replace(/^\uFEFF/, '');
  return content.trimStart().startsWith('[') ? readList(content) : readLines(content);
}

function readList(text: string): LoadedKey[] {
  const list = parse(text, 'the file');
  if (!Array.isArray(list)) throw new LoadError('the file must be a list');
  return list.map((item, index) => {
    const place = `item ${index + 1}`;
    const [entry, ...others] = Object.entries(objectOf(item, place));
    if (!entry || others.length > 0) throw new LoadError(`${place} must be an object with one key`);
    const [key, value] = entry;
    return { key: keyOf(key, place), value: storedValue(value) };
  });
}

function readLines(text: string): LoadedKey[] {
  const keys: LoadedKey[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const place = `line ${index + 1}`;
    const record = objectOf(parse(line, place), place);
    const unknown = Object.keys(record).find((name) => !NAMES.includes(name));
    if (unknown !== undefined)
      throw new LoadError(`${place}: "${unknown}" is not known. Known here: ${NAMES.join(', ')}`);
    const { key, value, valueBase64 } = record;
    if ((value === undefined) === (valueBase64 === undefined))
      throw new LoadError(`${place} must have either "value" or "valueBase64"`);
    keys.push({
      key: keyOf(key, place),
      value: valueBase64 === undefined ? storedValue(value) : bytesOf(valueBase64, place),
    });
  }
  return keys;
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LoadError(`${place} is not valid JSON: ${messageOf(error)}`);
  }
}

function objectOf(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new LoadError(`${place} must be an object`);
  return { ...value };
}

function keyOf(key: unknown, place: string): Buffer {
  if (typeof key !== 'string' || key === '')
    throw new LoadError(`${place}: the key must be a text, not empty`);
  return Buffer.from(key);
}

/** Text as it is, everything else as JSON. */
function storedValue(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function bytesOf(value: unknown, place: string): Buffer {
  if (typeof value !== 'string' || !BASE64.test(value))
    throw new LoadError(`${place}: "valueBase64" is not valid Base64`);
  return Buffer.from(value, 'base64');
}
