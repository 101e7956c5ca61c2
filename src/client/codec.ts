/** Codecs: between the values of a program and the bytes in the store. */
import type { Bytes } from './options';

/** Converts values of one type. Both functions may throw, which ends the call with `BAD_ARGUMENT` or `BAD_RESPONSE`. */
export interface Codec<Value> {
  /** Makes the bytes that are stored. */
  encode(value: Value): Bytes;
  /** Makes the value from the bytes in the store. */
  decode(bytes: Buffer): Value;
}

/**
 * JSON in UTF-8. The type is a promise of the program: what others store under the key is not checked. `undefined` and functions cannot
 * be encoded.
 */
export function json<Value>(): Codec<Value> {
  return {
    encode: (value) => {
      const text: string | undefined = JSON.stringify(value);
      if (text === undefined) throw new TypeError(`a value of type ${typeof value} has no JSON`);
      return text;
    },
    decode: (bytes) => JSON.parse(utf8(bytes)),
  };
}

/** Text in UTF-8. Other bytes cannot be decoded. */
export const text: Codec<string> = { encode: (value) => value, decode: utf8 };

/** The bytes themselves. */
export const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };

function utf8(value: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
}
