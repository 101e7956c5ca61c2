/** Schemas for the bodies of requests: a field reads a value of unknown shape, and returns it with its type or throws a {@link Refusal} that names it. */
import { Refusal } from './refusal';

export type Field<T> = (value: unknown, name: string) => T;

type Read<F> = F extends Field<infer T> ? T : never;

/** An object; properties without a field here are left out, and nothing is taken from a prototype. */
export function object<Fields extends Record<string, Field<unknown>>>(
  fields: Fields,
): Field<{ [Name in keyof Fields]: Read<Fields[Name]> }> {
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw Refusal.malformed(`${name} must be an object`);
    const read = Object.entries(fields).map(([field, check]) => {
      const found: unknown = Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined;
      return [field, check(found, name === BODY ? field : `${name}.${field}`)];
    });
    return Object.fromEntries(read);
  };
}

/** The name of a whole body. */
export const BODY = 'the body';

/** Text of at most this many characters. */
export function text(most: number): Field<string> {
  return (value, name) => {
    if (typeof value !== 'string') throw Refusal.malformed(`${name} must be text`);
    return limited(value, most, name);
  };
}

/** Text, or a number as text; missing or `null` is `undefined`. */
export function optionalText(most: number): Field<string | undefined> {
  return (value, name) => {
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string' && typeof value !== 'number')
      throw Refusal.malformed(`${name} must be text or a number`);
    return limited(String(value), most, name);
  };
}

/** As the other field, or `undefined` if it is missing or `null`. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return (value, name) => (value === undefined || value === null ? undefined : field(value, name));
}

/** One of these words. */
export function oneOf<Word extends string>(...words: Word[]): Field<Word> {
  return (value, name) => {
    const found = words.find((word) => word === value);
    if (found === undefined)
      throw Refusal.malformed(`${name} must be one of ${words.map((word) => `"${word}"`).join(', ')}`);
    return found;
  };
}

/** True or false; if it is missing, the default. */
export function flag(missing = false): Field<boolean> {
  return (value, name) => {
    if (value === undefined) return missing;
    if (typeof value !== 'boolean') throw Refusal.malformed(`${name} must be true or false`);
    return value;
  };
}

/** A whole number from `least`. */
export function wholeNumber(least: number): Field<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
      throw Refusal.malformed(`${name} must be a whole number from ${least}`);
    return value;
  };
}

/** A list of at most `most` entries. */
export function list<T>(entry: Field<T>, most: number): Field<T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > most)
      throw Refusal.malformed(`${name} must be a list of at most ${most} entries`);
    return value.map((one, index) => entry(one, `${name}[${index}]`));
  };
}

/** Bytes, in base64. */
export const bytes: Field<Buffer> = (value, name) => {
  if (typeof value !== 'string' || !isBase64(value)) throw Refusal.malformed(`${name} must be base64`);
  return Buffer.from(value, 'base64');
};

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

function limited(value: string, most: number, name: string): string {
  if (value.length > most)
    throw new Refusal(413, 'tooLarge', `${name} must not be longer than ${most} characters.`);
  return value;
}
