/** Fields of requests for keys and values of a store. */

import { messageOf } from '../../errors';
import { bytes, type Field, list } from './fields';
import { Refusal } from './refusal';

/** Most bytes of a key, and of a value, in a request. */
export const MAX_KEY_BYTES = 60_000;
export const MAX_WRITTEN_BYTES = 1_048_576;

const anyKey: Field<Buffer> = (value, name) => {
  const key = bytes(value, name);
  if (key.length === 0) throw Refusal.malformed(`${name} must not be empty`);
  return key;
};

/** A key, in base64. */
export const key: Field<Buffer> = (value, name) => {
  const read = anyKey(value, name);
  if (read.length > MAX_KEY_BYTES)
    throw new Refusal(413, 'tooLarge', `A key must not be longer than ${MAX_KEY_BYTES} bytes here.`);
  return read;
};

/** Keys in base64, as they are. Keys that are too long are left out, so that the others can be seen. */
export function keys(most: number): Field<string[]> {
  const entries = list((value, name) => ({ text: String(value), key: anyKey(value, name) }), most);
  return (value, name) =>
    entries(value, name).flatMap((entry) => (entry.key.length <= MAX_KEY_BYTES ? [entry.text] : []));
}

/** The value to set, as bytes: text as it is, JSON as the nodes write it, or base64. */
export function valueIn({ type, value }: { type: 'text' | 'json' | 'base64'; value: string }): Buffer {
  const read = type === 'base64' ? bytes(value, 'value') : Buffer.from(type === 'json' ? json(value) : value);
  if (read.length > MAX_WRITTEN_BYTES)
    throw new Refusal(413, 'tooLarge', `The value must not be larger than ${MAX_WRITTEN_BYTES} bytes here.`);
  return read;
}

function json(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value));
  } catch (error) {
    throw new Refusal(400, 'badJson', `The value is not valid JSON: ${messageOf(error)}.`);
  }
}
