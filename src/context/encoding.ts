/** Values as they are in the store: JSON, as Core's files have it. */
import { parseJson } from '../client/exact-json';
import { StateStoreError } from '../errors';

/** How JSON.stringify writes a Buffer; only where this stands is it worth looking for one. */
const BUFFER = '"type":"Buffer"';

/** The most bytes of JSON of a value that repeats its parts more often than it has parts. */
const MAX_REPEATED_BYTES = 4 * 2 ** 20;
/** A value with no more parts, none of them deeper, is written in one go. */
const MAX_PARTS = 100_000;
const MAX_DEPTH = 500;

export interface Encoded {
  json: string;
  /** Whether something contained itself: such a part is replaced by a text that names what it repeats, `[Circular ~.a]`. */
  circular: boolean;
}

/**
 * Throws `BAD_ARGUMENT` for a value that JSON cannot hold (a function, a symbol, a BigInt), and for one that makes more than `limit` bytes of
 * JSON. A value that is large because its parts refer to each other many times is given up while it is written.
 */
export function encode(value: unknown, limit = Number.POSITIVE_INFINITY): Encoded {
  let written: Encoded;
  try {
    written = isSmall(value) ? { json: JSON.stringify(value), circular: false } : writeWithin(value, limit);
  } catch (error) {
    throw error instanceof TooLarge ? tooLarge(error.limit) : noJson(value, error);
  }
  if (written.json === undefined) throw noJson(value);
  return written;
}

/** A value that is not JSON, or a number with more digits than a JavaScript number keeps, was written by another program and stays text. */
export function decode(text: string): unknown {
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

/** Whether a value has no circle and few enough parts to be written without a look at its size. */
function isSmall(value: unknown): boolean {
  let parts = 0;
  const look = (part: unknown, depth: number): boolean => {
    if (typeof part !== 'object' || part === null) return true;
    if (depth > MAX_DEPTH || Buffer.isBuffer(part)) return depth <= MAX_DEPTH;
    if (Array.isArray(part)) {
      parts += part.length;
      return parts <= MAX_PARTS && part.every((one) => look(one, depth + 1));
    }
    for (const name in part) {
      if (++parts > MAX_PARTS || !look((part as Record<string, unknown>)[name], depth + 1)) return false;
    }
    return true;
  };
  return look(value, 0);
}

/** Throws {@link TooLarge}. A part that contains itself is replaced by a text that names it. */
function writeWithin(value: unknown, limit: number): Encoded {
  let circular = false;
  let bytes = 0;
  let repeats = 0;
  const seen = new Set<unknown>();
  /** The objects on the way to the present part, and their names. */
  const way: unknown[] = [];
  const names: string[] = [];
  const json = JSON.stringify(value, function (this: unknown, name: string, part: unknown) {
    bytes += name.length + (typeof part === 'string' ? part.length : 1);
    if (bytes > limit) throw new TooLarge(limit);
    if (bytes > MAX_REPEATED_BYTES && repeats > seen.size) throw new TooLarge(MAX_REPEATED_BYTES);
    if (typeof part !== 'object' || part === null) return part;
    if (seen.has(part)) repeats++;
    else seen.add(part);
    way.length = way.lastIndexOf(this) + 1;
    names.length = way.length;
    const circle = way.indexOf(part);
    if (circle >= 0) {
      circular = true;
      const path = names.slice(1, circle + 1).map((one) => `.${one}`);
      const text = `[Circular ~${path.join('')}]`;
      bytes += text.length;
      return text;
    }
    way.push(part);
    names.push(name);
    return part;
  });
  return { json, circular };
}

class TooLarge extends Error {
  constructor(readonly limit: number) {
    super();
  }
}

function tooLarge(limit: number): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', {
    problem: `The value makes more than ${limit} bytes of JSON`,
    advice:
      'Parts that refer to each other are written once for each way that leads to them. Keep it in a context store in memory instead.',
  });
}

function noJson(value: unknown, cause?: unknown): StateStoreError {
  const why = cause instanceof Error ? cause.message : `it is a ${typeof value}`;
  return new StateStoreError(
    'BAD_ARGUMENT',
    `The value cannot be converted to JSON: ${why}. Keep it in a context store in memory instead.`,
    { cause },
  );
}
