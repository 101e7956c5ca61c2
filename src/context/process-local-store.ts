import { StateStoreError } from '../errors';
import { afterAll, type Callback, type ContextStore, pairsOf } from './context-store';
import { decode, encode } from './encoding';
import { type LivePart, livePartOf, shownPath } from './live-value';
import type { NodeRed } from './node-red';
import type { ResolvedContextOptions } from './options';
import { ScopeData } from './scope-data';
import type { StoreLog } from './store-log';

/**
 * Keeps in this process what must not, or cannot, be shared, and passes everything else on: names of the option `local`, and values with
 * live parts, until the key gets a value without.
 */
export class ProcessLocalStore implements ContextStore {
  readonly #shared: ContextStore;
  readonly #names: ReadonlySet<string>;
  readonly #parts: ReadonlySet<string>;
  readonly #values: ScopeData;
  readonly #log: StoreLog;
  /** Whether the shared store returns a value without a callback. */
  readonly #readsAtOnce: boolean;

  constructor(
    shared: ContextStore,
    { local, parts, cache }: ResolvedContextOptions,
    util: NodeRed['util'],
    log: StoreLog,
  ) {
    this.#shared = shared;
    this.#names = new Set(local);
    this.#parts = new Set(parts);
    this.#readsAtOnce = cache;
    this.#values = new ScopeData(util);
    this.#log = log;
  }

  async open(): Promise<void> {
    await this.#log.words.load();
    await this.#shared.open();
  }

  close(): Promise<void> {
    return this.#shared.close();
  }

  get(scope: string, key: string | string[], callback?: Callback): unknown {
    if (!Array.isArray(key)) return this.#getOne(scope, key, callback);
    if (!this.#someLocal(scope, key)) return this.#shared.get(scope, key, callback);
    if (!callback) return key.map((one) => this.#getOne(scope, one));
    const values: unknown[] = key.map(() => undefined);
    const settle = afterAll(key.length, (error) =>
      error ? callback(error) : callback(undefined, ...values),
    );
    for (const [index, one] of key.entries()) {
      this.#getOne(scope, one, (error, value) => {
        values[index] = value;
        settle(error);
      });
    }
    return undefined;
  }

  set(scope: string, key: string | string[], value: unknown, callback?: Callback): void {
    const pairs = pairsOf(key, value);
    if (pairs.every(([one, wanted]) => !this.#isLocal(scope, one) && !livePartOf(wanted))) {
      this.#shared.set(scope, key, value, callback);
      return;
    }
    const settle = callback && afterAll(pairs.length, callback);
    for (const [one, wanted] of pairs) this.#setOne(scope, one, wanted, settle);
  }

  keys(scope: string, callback?: Callback): string[] | undefined {
    const own = this.#values.names(scope);
    const all = (shared: readonly string[]) => [...new Set([...shared, ...own])];
    if (typeof callback !== 'function') return all(this.#shared.keys(scope, callback) ?? []);
    this.#shared.keys(scope, (error, names) =>
      error ? callback(error) : callback(null, all(names as readonly string[])),
    );
    return undefined;
  }

  delete(scope: string): Promise<void> {
    this.#values.dropScope(scope);
    return this.#shared.delete(scope);
  }

  clean(activeNodes: string[]): Promise<void> {
    for (const scope of this.#values.scopes) {
      const [id = ''] = scope.split(':');
      if (scope !== 'global' && !activeNodes.includes(id)) this.#values.dropScope(scope);
    }
    return this.#shared.clean(activeNodes);
  }

  #isLocal(scope: string, expression: string): boolean {
    if (this.#names.size === 0 && this.#values.scopes.length === 0) return false;
    const name = this.#nameOf(scope, expression);
    return name !== undefined && (this.#names.has(name) || this.#values.has(scope, name));
  }

  #someLocal(scope: string, expressions: readonly string[]): boolean {
    return expressions.some((one) => this.#isLocal(scope, one));
  }

  /** `undefined` for a wrong expression: the shared store reports it. */
  #nameOf(scope: string, expression: string): string | undefined {
    try {
      return this.#values.nameOf(scope, expression);
    } catch {
      return undefined;
    }
  }

  #getOne(scope: string, expression: string, callback?: Callback): unknown {
    if (!this.#isLocal(scope, expression)) return this.#shared.get(scope, expression, callback);
    const value = this.#values.get(scope, expression);
    if (!callback) return value;
    callback(undefined, value);
    return undefined;
  }

  #setOne(scope: string, expression: string, value: unknown, settle?: (error?: unknown) => void): void {
    const name = this.#nameOf(scope, expression);
    const isLocal = this.#isLocal(scope, expression);
    const live = livePartOf(value);
    if (name === undefined || (!isLocal && !live)) {
      this.#shared.set(scope, expression, value, settle);
      return;
    }
    if (!isLocal && live) {
      const refusal = this.#begin(scope, name, expression, live);
      if (refusal) {
        if (!settle) throw refusal;
        queueMicrotask(() => settle(refusal));
        return;
      }
    }
    this.#values.set(scope, expression, value);
    const whole = this.#values.read(scope, name);
    if (this.#names.has(name) || livePartOf(whole)) {
      if (settle) queueMicrotask(settle);
      return;
    }
    // The key has a value again that can be shared, or none.
    this.#values.drop(scope, name);
    this.#shared.set(scope, name, whole, settle);
  }

  /** From now on the key has a value of its own in this process. Returns an error if that cannot be. */
  #begin(scope: string, name: string, expression: string, live: LivePart): StateStoreError | undefined {
    if (this.#parts.has(name)) return refused(scope, name, live, 'its properties are keys of the store');
    if (expression !== name && !this.#readsAtOnce)
      return refused(scope, name, live, 'its other parts are in the store only');
    if (expression !== name) {
      const present = this.#shared.get(scope, name);
      // Flows of this process must not change the value of the shared store through it.
      if (present !== undefined) this.#values.put(scope, name, decode(encode(present).json));
    }
    this.#log.keptLocal(scope, name, live);
    return undefined;
  }
}

function partInWords({ kind, path }: LivePart): string {
  const part = {
    function: 'a function',
    reference: 'a reference to itself',
    object: `an object of the class ${kind.name === 'object' ? kind.className : ''}`,
  }[kind.name];
  return path.length === 0 ? `it is ${part}` : `it has ${part} at ${shownPath(path)}`;
}

function refused(scope: string, name: string, live: LivePart, why: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', {
    problem: `The value for ${scope} ${name} cannot be shared: ${partInWords(live)}, and ${why}`,
    advice: 'Keep it in a context store in memory instead.',
  });
}
