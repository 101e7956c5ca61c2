/** What the cache holds: an object per scope, read and changed by property expressions as Core's memory store does. */
import type { NodeRed } from './node-red';

/** An expression that is a name and nothing else, as nearly all are: nothing is to be parsed. */
const NAME = /^[A-Za-z_$][\w$]*$/;

/** Has no prototype, so that a key may be called `__proto__` or `toString`. */
type Data = Record<string, unknown>;

export class ScopeData {
  readonly #util: NodeRed['util'];
  readonly #scopes = new Map<string, Data>();

  constructor(util: NodeRed['util']) {
    this.#util = util;
  }

  get scopes(): string[] {
    return [...this.#scopes.keys()];
  }

  /** By reference. `undefined` for what is not there. Throws `INVALID_EXPR`. */
  get(scope: string, expression: string): unknown {
    const data = this.#scopes.get(scope);
    if (!data) return undefined;
    return isName(expression) ? data[expression] : property(this.#util, data, expression);
  }

  /** The key that a property expression begins with. Throws `INVALID_EXPR`. */
  nameOf(scope: string, expression: string): string {
    if (isName(expression)) return expression;
    const [name] = this.#util.normalisePropertyExpression(expression, this.#dataOf(scope));
    return String(name);
  }

  /** Sets or, with `undefined`, deletes a property. Returns false when there is no place for it. */
  set(scope: string, expression: string, value: unknown): boolean {
    const data = this.#dataOf(scope);
    if (!isName(expression)) return this.#util.setObjectProperty(data, expression, value);
    if (value === undefined) delete data[expression];
    else data[expression] = value;
    return true;
  }

  /** The names of all keys; of the global scope without those of its own functions, as in Core. */
  names(scope: string): string[] {
    return visibleNames(scope, Object.keys(this.#scopes.get(scope) ?? {}));
  }

  has(scope: string, name: string): boolean {
    const data = this.#scopes.get(scope);
    return data !== undefined && Object.hasOwn(data, name);
  }

  /** A whole key, by its name. */
  read(scope: string, name: string): unknown {
    return this.#scopes.get(scope)?.[name];
  }

  put(scope: string, name: string, value: unknown): void {
    this.#dataOf(scope)[name] = value;
  }

  drop(scope: string, name: string): void {
    const data = this.#scopes.get(scope);
    if (data) delete data[name];
  }

  /** Takes a whole scope away; returns the names of its keys. */
  dropScope(scope: string): string[] {
    const names = Object.keys(this.#scopes.get(scope) ?? {});
    this.#scopes.delete(scope);
    return names;
  }

  #dataOf(scope: string): Data {
    const existing = this.#scopes.get(scope);
    if (existing) return existing;
    const made: Data = Object.create(null);
    this.#scopes.set(scope, made);
    return made;
  }
}

/** Node-RED may be given anything as a key. */
function isName(expression: unknown): expression is string {
  return typeof expression === 'string' && NAME.test(expression);
}

/** A property of an object; `undefined` where it, or its parent, is not there. Throws `INVALID_EXPR`. */
export function property(util: NodeRed['util'], object: object, expression: string): unknown {
  try {
    return util.getObjectProperty(object, expression);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'INVALID_EXPR') throw error;
    return undefined;
  }
}

/** Names that the object `global` of a flow has for itself. */
const OF_GLOBAL = new Set(['get', 'set', 'keys']);

export function visibleNames(scope: string, names: string[]): string[] {
  return scope === 'global' ? names.filter((name) => !OF_GLOBAL.has(name)) : names;
}
