import { decode, encode } from './encoding';
import type { NodeRed } from './node-red';
import { isParts, type Part, type Parts } from './parts';
import { ScopeData } from './scope-data';
import type { StoreLog } from './store-log';

/** The values of the cache, as flows see them, and their form in the store. */
export class CachedValues extends ScopeData {
  readonly #log: StoreLog;
  readonly #parts: Parts;

  constructor(util: NodeRed['util'], log: StoreLog, parts: Parts) {
    super(util);
    this.#log = log;
    this.#parts = parts;
  }

  /** Whether a key of the store has a value: `name` may be that of a part. */
  override has(scope: string, name: string): boolean {
    const part = this.#parts.partOf(name);
    if (!part) return !this.#parts.has(name) && super.has(scope, name);
    const object = this.#object(scope, part.object);
    return (
      object !== undefined && Object.hasOwn(object, part.property) && object[part.property] !== undefined
    );
  }

  override read(scope: string, name: string): unknown {
    const part = this.#parts.partOf(name);
    return part ? this.#object(scope, part.object)?.[part.property] : super.read(scope, name);
  }

  /** Takes a whole scope away; returns the names of its keys of the store. */
  override dropScope(scope: string): string[] {
    const parts = new Map(this.#parts.names.map((name) => [name, this.partNames(scope, name)]));
    return super.dropScope(scope).flatMap((name) => parts.get(name) ?? [name]);
  }

  /** The names of the parts that an object has now. */
  partNames(scope: string, name: string): string[] {
    return Object.keys(this.#object(scope, name) ?? {}).map((property) => this.#parts.nameOf(name, property));
  }

  /** The value as it goes to the store, of `limit` bytes at most, `undefined` if there is none. Throws `BAD_ARGUMENT`. */
  encoded(scope: string, name: string, limit: number): string | undefined {
    if (!this.has(scope, name)) return undefined;
    const { json, circular } = encode(this.read(scope, name), limit);
    this.#log.circular(scope, name, circular);
    return json;
  }

  /** Takes over a value from the store, `undefined` for none. */
  take(scope: string, name: string, text: string | undefined): void {
    const part = this.#parts.partOf(name);
    if (part) this.#takePart(scope, part, text);
    else if (this.#parts.has(name)) this.#takeWhole(scope, name, text);
    else if (text === undefined) this.drop(scope, name);
    else this.put(scope, name, decode(text));
  }

  #takePart(scope: string, { object: name, property }: Part, text: string | undefined): void {
    const object = this.#object(scope, name);
    if (text !== undefined) {
      const value = decode(text);
      if (object) define(object, property, value);
      else this.put(scope, name, define({}, property, value));
    } else if (object) {
      delete object[property];
      if (Object.keys(object).length === 0) this.drop(scope, name);
    }
  }

  /** An object that was stored as one key before: properties that are not there as parts. */
  #takeWhole(scope: string, name: string, text: string | undefined): void {
    const whole = text === undefined ? undefined : decode(text);
    if (!isParts(whole)) return;
    for (const [property, value] of Object.entries(whole)) {
      const partName = this.#parts.nameOf(name, property);
      if (!this.has(scope, partName)) this.take(scope, partName, JSON.stringify(value));
    }
  }

  #object(scope: string, name: string): Record<string, unknown> | undefined {
    const object = super.read(scope, name);
    return isParts(object) ? object : undefined;
  }
}

/** Not an assignment: a property of the name `__proto__` is one like any other. */
function define(object: Record<string, unknown>, property: string, value: unknown): Record<string, unknown> {
  const attributes = { value, writable: true, enumerable: true, configurable: true };
  return Object.defineProperty(object, property, attributes);
}
