/** Values as they are in the store: JSON, as Core's files have it. */
import { parseJson } from '../client/exact-json';
import { StateStoreError } from '../errors';

/** How JSON.stringify writes a Buffer; only where this stands is it worth looking for one. */
const BUFFER = '"type":"Buffer"';

export interface Encoded {
  json: string;
  /** Whether something contained itself: such a part is replaced by a text that names what it repeats, `[Circular ~.a]`. */
  circular: boolean;
}

/** Throws `BAD_ARGUMENT` for what JSON has no word for: a function, a symbol, a BigInt. */
export function encode(value: unknown): Encoded {
  let circular = false;
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError) || !isCircular(error)) throw noJson(value, error);
    circular = true;
    json = withoutCircles(value);
  }
  if (json === undefined) throw noJson(value);
  return { json, circular };
}

/** A value that is not JSON, or a number with more digits than a JavaScript number keeps, was written by another program and stays text. */
export function decode(bytes: Buffer): unknown {
  const text = bytes.toString();
  try {
    return parseJson(text, text.includes(BUFFER) ? revive : undefined);
  } catch {
    return text;
  }
}

/** Throws `BAD_ARGUMENT` for a value that cannot be shared at all. */
export function checkValue(value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw noJson(value);
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { type, data } = value as { type?: unknown; data?: unknown };
  const isBuffer = type === 'Buffer' && Array.isArray(data) && Object.keys(value).length === 2;
  return isBuffer ? Buffer.from(data as number[]) : value;
}

function isCircular(error: TypeError): boolean {
  return /circular|cyclic/i.test(error.message);
}

function withoutCircles(value: unknown): string | undefined {
  /** The objects on the way to the present part, and their names. */
  const way: unknown[] = [];
  const names: string[] = [];
  return JSON.stringify(value, function (this: unknown, name: string, part: unknown) {
    way.length = way.indexOf(this) + 1;
    names.length = way.length;
    if (typeof part !== 'object' || part === null) return part;
    const circle = way.indexOf(part);
    if (circle >= 0)
      return `[Circular ~${names
        .slice(1, circle + 1)
        .map((one) => `.${one}`)
        .join('')}]`;
    way.push(part);
    names.push(name);
    return part;
  });
}

function noJson(value: unknown, cause?: unknown): StateStoreError {
  const why = cause instanceof Error ? cause.message : `it is a ${typeof value}`;
  return new StateStoreError(
    'BAD_ARGUMENT',
    `The value cannot be written as JSON: ${why}. Keep it in a context store in memory instead.`,
    { cause },
  );
}
