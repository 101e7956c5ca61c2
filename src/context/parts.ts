/** Objects that are kept as one key of the store per property: their names, and the names of their parts. Pure. */
import { StateStoreError } from '../errors';

/** One property of such an object. */
export interface Part {
  object: string;
  property: string;
}

export class Parts {
  readonly #names: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.#names = new Set(names);
  }

  get names(): string[] {
    return [...this.#names];
  }

  /** Whether an object of this name is kept in parts. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** The name of the key of the store that has the property. */
  nameOf(object: string, property: string): string {
    return `${object}/${property}`;
  }

  /** The part with this name, `undefined` if it is a whole key. */
  partOf(name: string): Part | undefined {
    if (this.#names.size === 0) return undefined;
    const end = name.indexOf('/');
    const object = name.slice(0, end);
    return end > 0 && this.#names.has(object) ? { object, property: name.slice(end + 1) } : undefined;
  }
}

/** Whether a value can be kept in parts: an object that is not a list. */
export function isParts(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** Throws `BAD_ARGUMENT` for a value that has no parts. `undefined` deletes all of them. */
export function checkParts(name: string, value: unknown): void {
  if (value === undefined || isParts(value)) return;
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: `The context key ${name} is kept in parts, so its value must be an object`,
    advice: 'Set an object, or take the name out of the option "parts".',
  });
}
