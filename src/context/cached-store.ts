import { StateStoreError } from '../errors';
import { CachedKey } from './cached-key';
import { CachedValues } from './cached-values';
import { afterAll, type Callback, type ContextStore, pairsOf, SeenScopes } from './context-store';
import { DeletedKeys } from './deleted-keys';
import { checkValue } from './encoding';
import type { KeyContext } from './key-context';
import type { Settle } from './key-write';
import { Link } from './link';
import { type NodeRed, whenStarted } from './node-red';
import type { ResolvedContextOptions } from './options';
import { checkParts, Parts } from './parts';
import type { StoreLog } from './store-log';

/** How many keys are loaded at a time: as many as the client has in flight, so that a store far away is waited for seldom. */
const LOADING = 1000;

/** A context store that has everything in memory as well, and follows the changes of other processes. */
export class CachedStore implements ContextStore {
  readonly #log: StoreLog;
  readonly #link: Link;
  readonly #parts: Parts;
  readonly #data: CachedValues;
  readonly #context: KeyContext;
  readonly #seen = new SeenScopes();
  readonly #stopListening: () => void;
  readonly #keys = new Map<string, Map<string, CachedKey>>();
  #loaded = false;

  constructor(options: ResolvedContextOptions, nodeRed: NodeRed, log: StoreLog) {
    this.#log = log;
    this.#parts = new Parts(options.parts);
    this.#data = new CachedValues(nodeRed.util, this.#log, this.#parts);
    this.#stopListening = whenStarted(nodeRed, this.#seen.started);
    const link = new Link(options, this.#log, {
      onNames: (scope, names) => this.#onNames(scope, names),
      onObservationLost: (scope, name) => this.#keys.get(scope)?.get(name)?.lose(),
      onBack: () => {
        this.#forEachKey((key) => key.renew());
        void this.#context.deleted.renew();
      },
    });
    this.#link = link;
    this.#context = {
      ...{ link, log: this.#log, values: this.#data },
      deleted: new DeletedKeys(link),
    };
  }

  async open(): Promise<void> {
    const begin = performance.now();
    await this.#link.open(() => this.#load());
    this.#loaded = true;
    let count = 0;
    this.#forEachKey((key) => {
      count++;
      // What came while it was loaded.
      key.renew();
    });
    this.#divideWholeKeys();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    this.#log.info('loaded', { keys: count, scopes: this.#keys.size, seconds });
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#link.close(() => {
      const late: CachedKey[] = [];
      this.#forEachKey((key) => {
        if (key.busy) late.push(key);
      });
      this.#log.notWrittenAtEnd(late.map((key) => `${key}`));
      this.#forEachKey((key) => key.end());
    });
  }

  get(scope: string, key: string | string[], callback?: Callback): unknown {
    let value: unknown;
    try {
      value = Array.isArray(key) ? key.map((one) => this.#data.get(scope, one)) : this.#data.get(scope, key);
    } catch (error) {
      if (!callback) throw error;
      callback(error);
      return undefined;
    }
    if (!callback) return value;
    if (Array.isArray(key)) callback(undefined, ...(value as unknown[]));
    else callback(undefined, value);
    return undefined;
  }

  set(scope: string, key: string | string[], value: unknown, callback?: Callback): void {
    let keys: readonly CachedKey[];
    try {
      if (this.#link.closed) throw closed();
      keys = Array.isArray(key) ? this.#takeMany(scope, key, value) : this.#takeOne(scope, key, value);
    } catch (error) {
      if (!callback) throw error;
      callback(error);
      return;
    }
    this.#seen.used(scope);
    this.#write(keys, callback);
  }

  keys(scope: string, callback?: Callback): string[] | undefined {
    const names = this.#data.names(scope);
    if (!callback) return names;
    callback(null, names);
    return undefined;
  }

  delete(scope: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#deleteScope(scope, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Does not wait for the store: Node-RED starts no flow before, and none at all after an error. */
  async clean(activeNodes: string[]): Promise<void> {
    for (const scope of this.#seen.unused(this.#data.scopes, activeNodes)) this.#deleteScope(scope);
  }

  #deleteScope(scope: string, settle?: (error?: unknown) => void): void {
    const keys = this.#data.dropScope(scope).map((name) => this.#keyOf(scope, name));
    this.#write(keys, settle);
  }

  /** Each key once. `settle` is called once, when all of them are written. */
  #write(keys: readonly CachedKey[], settle?: Settle): void {
    if (keys.length === 0 && settle)
      Promise.resolve()
        .then(settle)
        .catch((error: unknown) => this.#log.error('callbackThrew', error));
    const { deadline } = this.#link;
    const settleOne = settle && keys.length > 1 ? afterAll(keys.length, settle) : settle;
    for (const key of keys) key.write(deadline, settleOne);
  }

  #takeOne(scope: string, expression: string, value: unknown): CachedKey[] {
    const name = this.#checked(scope, expression, value);
    this.#data.set(scope, expression, value);
    return this.#parts.has(name) ? this.#changedParts(scope, name) : [this.#keyOf(scope, name)];
  }

  /** Nothing is set when one of them is wrong. */
  #takeMany(scope: string, expressions: string[], value: unknown): CachedKey[] {
    const pairs = pairsOf(expressions, value);
    const names = new Set(pairs.map(([one, wanted]) => this.#checked(scope, one, wanted)));
    for (const [one, wanted] of pairs) this.#data.set(scope, one, wanted);
    return [...names].flatMap((name) =>
      this.#parts.has(name) ? this.#changedParts(scope, name) : [this.#keyOf(scope, name)],
    );
  }

  /** Returns the name that the expression begins with. Throws `BAD_ARGUMENT`. */
  #checked(scope: string, expression: string, value: unknown): string {
    const name = this.#data.nameOf(scope, expression);
    checkValue(value);
    if (this.#parts.partOf(name)) throw reserved(name);
    if (!this.#parts.has(name)) this.#keyOf(scope, name);
    else if (expression === name) checkParts(name, value);
    return name;
  }

  /** The keys of all parts that differ from the store: set, deleted, or changed in place. */
  #changedParts(scope: string, name: string): CachedKey[] {
    const names = new Set(this.#data.partNames(scope, name));
    for (const one of this.#keys.get(scope)?.keys() ?? [])
      if (this.#parts.partOf(one)?.object === name) names.add(one);
    return [...names].map((one) => this.#keyOf(scope, one)).filter((key) => key.changed);
  }

  /** Objects that were one key before they were named in the option `parts` become one key per property. */
  #divideWholeKeys(): void {
    this.#forEachKey(({ scope, name }) => {
      if (!this.#parts.has(name) || !this.#link.index.has(scope, name)) return;
      this.#write([...this.#changedParts(scope, name), this.#keyOf(scope, name)]);
    });
  }

  async #load(): Promise<void> {
    const keys: CachedKey[] = [];
    this.#forEachKey((key) => keys.push(key));
    const left = keys.values();
    const worker = async () => {
      for (const key of left) await key.open();
    };
    await Promise.all(Array.from({ length: Math.min(LOADING, keys.length) }, worker));
  }

  #onNames(scope: string, names: ReadonlySet<string>): void {
    for (const name of names) {
      try {
        const key = this.#keyOf(scope, name);
        if (this.#loaded) key.renew();
      } catch (error) {
        this.#log.trouble('keyUnreadable', error);
      }
    }
    for (const key of this.#keys.get(scope)?.values() ?? []) if (!names.has(key.name)) key.verify();
  }

  /** Throws `BAD_ARGUMENT` for a name that cannot be a key of the store. */
  #keyOf(scope: string, name: string): CachedKey {
    let keys = this.#keys.get(scope);
    if (!keys) {
      keys = new Map();
      this.#keys.set(scope, keys);
    }
    const existing = keys.get(name);
    if (existing) return existing;
    const made = new CachedKey(scope, name, this.#context, (key) => this.#forget(key));
    keys.set(name, made);
    return made;
  }

  #forget(key: CachedKey): void {
    const keys = this.#keys.get(key.scope);
    if (keys?.get(key.name) !== key) return;
    keys.delete(key.name);
    if (keys.size === 0) this.#keys.delete(key.scope);
    key.close();
  }

  #forEachKey(visit: (key: CachedKey) => void): void {
    for (const keys of this.#keys.values()) for (const key of keys.values()) visit(key);
  }
}

function closed(): StateStoreError {
  return new StateStoreError('CLOSED', 'The context store is closed: nothing is written any more.');
}

function reserved(name: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', {
    problem: `The context key ${name} has the name of a part: the option "parts" keeps properties under such names`,
    advice: 'Choose another name, or set the property of the object.',
  });
}
