/** Values as JSON. Values that JSON would lose are refused. */
import { types } from 'node:util';

/** A value that JSON would lose. */
export class NoJsonError extends Error {
  /** Where it is in the value: `.a[0]`; empty for the value itself. */
  readonly path: string;
  /** `Map`, `Promise`. */
  readonly kind: string;

  constructor(path: string, kind: string) {
    super(`${kind} has no JSON form`);
    this.path = path;
    this.kind = kind;
  }
}

const PLAIN = new Set(['Object', 'Array', 'String', 'Number', 'Boolean']);

/**
 * JSON of a value; `undefined` if it has none, such as a function. Throws {@link NoJsonError} for a Map, a Set, an Error, a Promise and
 * other objects that JSON writes as `{}`, and what `JSON.stringify` throws.
 */
export function toJson(value: unknown): string | undefined {
  const kind = lostKind(value);
  if (kind !== undefined) throw new NoJsonError('', kind);
  const json = JSON.stringify(value);
  // Only an object without content can have been one of those.
  if (json?.includes('{}')) checkParts(value, '');
  return json;
}

function checkParts(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null || hasOwnJson(value)) return;
  for (const [name, part] of Object.entries(value)) {
    const place = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`;
    const kind = lostKind(part);
    if (kind !== undefined) throw new NoJsonError(place, kind);
    checkParts(part, place);
  }
}

function hasOwnJson(value: object): boolean {
  return 'toJSON' in value && typeof value.toJSON === 'function';
}

/** The kind of an object that JSON would lose. */
function lostKind(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || hasOwnJson(value)) return undefined;
  if (types.isNativeError(value)) return value.name || 'Error';
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return PLAIN.has(kind) || Object.keys(value).length > 0 ? undefined : kind;
}
