import type { RequestOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { KeyScan } from './key-scan';
import { NameList } from './name-list';
import type { StoreKeys } from './store-keys';

/** Called with the content of the index. */
export interface IndexEvents {
  /** All keys of one scope, whenever they changed, and none when the scope is gone. */
  onNames(scope: string, names: ReadonlySet<string>): void;
  /** A scope of others could not be observed; it is tried again with the next connection. */
  onTrouble(error: unknown): void;
}

const NOTHING: ReadonlySet<string> = new Set();
/** Names that are added to a list, and whose keys are read, at a time. */
const MAX_ADDED = 500;
/** The form of the IDs that Node-RED makes. */
const ID = /^(?:[0-9a-f]{16}|[0-9a-f]{5,8}\.[0-9a-f]{4,8})$/;

/**
 * Which keys there are, also for brokers that cannot list them: a list of scopes, and one of keys per scope. A key is put into both before
 * its value is set, and taken out after its value was deleted: a crash between leaves a name too many, never one too few. Keys that another client
 * sets are in no list. {@link adopt} adds them.
 */
export class ContextIndex {
  readonly #store: StateStoreClient;
  readonly #keys: StoreKeys;
  readonly #persist: boolean;
  readonly #events: IndexEvents;
  readonly #scan: KeyScan;
  readonly #scopes: NameList;
  readonly #lists = new Map<string, NameList>();

  constructor(store: StateStoreClient, keys: StoreKeys, persist: boolean, events: IndexEvents) {
    this.#store = store;
    this.#keys = keys;
    this.#persist = persist;
    this.#events = events;
    this.#scan = new KeyScan(store, keys);
    const place = { key: keys.scopes, lock: keys.scopesLock, keyOf: (scope: string) => keys.index(scope) };
    this.#scopes = new NameList(store, place, persist, { onNames: (scopes) => this.#onScopes(scopes) });
  }

  /** Observes all lists; resolves when `onNames` was called with their content. */
  async open(): Promise<void> {
    await this.#scopes.open();
    await Promise.all([...this.#lists.values()].map((list) => list.open()));
  }

  /** Scopes that are known. */
  get scopes(): string[] {
    return [...this.#lists.keys()];
  }

  /** Whether a key is certain to be in the index. */
  has(scope: string, name: string): boolean {
    return this.#scopes.has(scope) && this.#lists.get(scope)?.has(name) === true;
  }

  /** Whether a key may be in the index: it is known there, or the list is not known. */
  mayHave(scope: string, name: string): boolean {
    return this.#lists.get(scope)?.mayHave(name) === true;
  }

  /** Puts keys into the index. Rejects when that did not succeed until `deadline`, on the monotonic clock in milliseconds. */
  async add(scope: string, names: readonly string[], deadline: number): Promise<void> {
    const list = this.#listOf(scope);
    while (!this.#scopes.has(scope) || !names.every((name) => list.has(name))) {
      if (!this.#scopes.has(scope)) await this.#scopes.add([scope], deadline);
      await list.add(names, deadline);
    }
  }

  /** All keys of a scope in the store, also keys that are in no list, if the broker can list keys. */
  async read(scope: string, options?: RequestOptions): Promise<string[]> {
    const names = new Set(await this.#listOf(scope).read(options));
    for await (const { name } of this.#scan.find(scope, options)) names.add(name);
    return [...names];
  }

  /**
   * Adds keys that are in the store and in no list, if the broker can list keys: another client set them, or a list was lost. Of scopes that are
   * not known only those whose name Node-RED makes.
   */
  async adopt(): Promise<void> {
    const lacking = new Map<string, string[]>();
    for await (const { scope, name } of this.#scan.find()) {
      if (!this.#isScope(scope) || (this.#scopes.has(scope) && this.mayHave(scope, name))) continue;
      const names = lacking.get(scope);
      if (names) names.push(name);
      else lacking.set(scope, [name]);
    }
    for (const [scope, names] of lacking) {
      for (let from = 0; from < names.length; from += MAX_ADDED)
        await this.#adoptNames(scope, names.slice(from, from + MAX_ADDED));
      const { names: all } = this.#listOf(scope);
      if (names.every((name) => all.has(name))) this.#events.onNames(scope, all);
    }
  }

  async #adoptNames(scope: string, names: readonly string[]): Promise<void> {
    await this.add(scope, names, performance.now() + this.#store.timeout);
    const readings = await this.#store.getMany(names.map((name) => this.#keys.value(scope, name)));
    // A key that was deleted after it was listed.
    for (const [index, name] of names.entries()) {
      const reading = readings[index];
      if (reading && 'found' in reading && !reading.found) this.remove(scope, name);
    }
  }

  #isScope(scope: string): boolean {
    return scope === 'global' || this.#lists.has(scope) || scope.split(':').every((id) => ID.test(id));
  }

  /** Takes a key out whose value was deleted, in its own time. */
  remove(scope: string, name: string): void {
    this.#lists.get(scope)?.remove(name);
  }

  /** A value was deleted by a process that is about to remove its key from the index. */
  doubt(scope: string, name: string): void {
    this.#lists.get(scope)?.doubt(name);
  }

  /** The connection was lost: anything may have happened meanwhile. */
  doubtAll(): void {
    this.#scopes.doubtAll();
    for (const list of this.#lists.values()) list.doubtAll();
  }

  /** A list is not observed any more: of all scopes, or of one. */
  lose(scope?: string): void {
    if (scope === undefined) this.#scopes.lose();
    else this.#lists.get(scope)?.lose();
  }

  /** With a connection: what could not be observed is tried again. */
  renew(): void {
    for (const list of [this.#scopes, ...this.#lists.values()]) list.open().catch(this.#events.onTrouble);
  }

  /** Resolves when no change is under way or wanted. */
  async idle(): Promise<void> {
    for (const list of [this.#scopes, ...this.#lists.values()]) await list.idle();
  }

  #listOf(scope: string): NameList {
    const existing = this.#lists.get(scope);
    if (existing) return existing;
    const place = {
      key: this.#keys.index(scope),
      lock: this.#keys.indexLock(scope),
      keyOf: (name: string) => this.#keys.value(scope, name),
    };
    const list = new NameList(this.#store, place, this.#persist, {
      onNames: (names) => this.#events.onNames(scope, names),
      onEmptied: () => this.#scopes.remove(scope),
    });
    this.#lists.set(scope, list);
    return list;
  }

  #onScopes(scopes: ReadonlySet<string>): void {
    for (const scope of scopes) this.#listOf(scope).open().catch(this.#events.onTrouble);
    for (const scope of this.#lists.keys()) if (!scopes.has(scope)) this.#events.onNames(scope, NOTHING);
  }
}
