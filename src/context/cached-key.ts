import type { Observation } from '../client/observation';
import type { Change } from '../client/observations';
import type { SetResult, StateStoreClient } from '../client/state-store-client';
import { isRetryable } from '../coordination/coordination-errors';
import { StateStoreError } from '../errors';
import { ServiceError } from '../protocol/errors';
import { compareHlc, parseHlc } from '../protocol/hlc';
import type { ContextIndex } from './context-index';
import { notInTime } from './not-in-time';
import type { StoreLife } from './store-life';
import { type Settle, Write } from './write';

/** What a key of the cache needs of the whole. */
export interface Surroundings {
  store: StateStoreClient;
  index: ContextIndex;
  life: StoreLife;
  persist: boolean;
  /** Counts connections. */
  connection(): number;
  /** Whether it ends: nothing new is begun. */
  closed(): boolean;
  /** The value as the cache has it, as it goes to the store; `undefined` for none. Throws for what has no JSON. */
  read(scope: string, name: string): string | undefined;
  has(scope: string, name: string): boolean;
  /** The store has another value, or none. */
  put(scope: string, name: string, value: Buffer | undefined): void;
  /** A write that nobody waits for failed. */
  onNotWritten(key: CachedKey, error: unknown): void;
  onWritten(key: CachedKey): void;
  /** Who was told what became of a write threw. */
  onThrown(error: unknown): void;
  /** A first write is under way. */
  onBusy(): void;
  /** Nothing is under way any more. */
  onIdle(): void;
  /** It could not be observed; that is tried again. */
  onNotObserved(key: CachedKey, error: unknown): void;
  /** It is neither in the cache nor in the index any more. */
  onUnused(key: CachedKey): void;
}

/** Pause before the store is asked again after an error, in milliseconds. */
const RETRY_PAUSE_MS = 1000;

/**
 * One key of the cache: its own writes go to the store one after the other, in their order; while one is under way, those that follow are
 * joined into the next. What others write meanwhile is kept, and counts afterwards if it is newer than the last write of our own.
 */
export class CachedKey {
  readonly scope: string;
  readonly name: string;
  readonly #key: string;
  readonly #around: Surroundings;
  #current: Write | undefined;
  #next: Write | undefined;
  /** The last change that was told while a write was under way. */
  #remote: Change | undefined;
  /** Of what the store had last, as far as it is known. */
  #version: string | undefined;
  /** The connection and the life of the store in which that was learned. */
  #connection = 0;
  #life = 0;
  /** Counts what was told. */
  #told = 0;
  /** Whether it is not known what the store has. */
  #doubtful = false;
  /** Whether the cache has what was not written. */
  #unwritten = false;
  /** What the store had before a change without a connection, which may never get there. */
  #kept: { json: string | undefined } | undefined;
  #asking = false;
  #retry: NodeJS.Timeout | undefined;
  #observation: Promise<Observation> | undefined;

  /** Throws `BAD_ARGUMENT` for a name that cannot be a key of the store. */
  constructor(scope: string, name: string, key: string, around: Surroundings) {
    this.scope = scope;
    this.name = name;
    this.#key = key;
    this.#around = around;
  }

  /** Whether a write is under way or waits. */
  get busy(): boolean {
    return this.#current !== undefined || this.#next !== undefined;
  }

  /** Observes the key; resolves when what the store has is in the cache. Rejects as {@link StateStoreClient.observe} does. */
  async open(): Promise<void> {
    this.#observation ??= this.#around.store.observe(this.#key, (change) => this.#onChange(change), {
      current: true,
    });
    const observation = this.#observation;
    try {
      await observation;
    } catch (error) {
      if (this.#observation === observation) this.#observation = undefined;
      throw error;
    }
  }

  /** Observes no more. */
  close(): void {
    clearTimeout(this.#retry);
    const observation = this.#observation;
    this.#observation = undefined;
    observation?.then((open) => open.close()).catch(() => undefined);
  }

  /** The store does not let it be observed on: that is tried again with the next connection. */
  lose(): void {
    this.close();
    this.#doubt();
  }

  /**
   * The cache is about to be changed: what was told as not written must not go out with that. What the store has is kept only while
   * there is no connection, because it costs as much as a write.
   */
  prepare(): void {
    if (this.busy) return;
    if (this.#unwritten) {
      this.#takeBack();
      return;
    }
    const { store, read } = this.#around;
    if (this.#kept || this.#doubtful || store.state.kind === 'connected') return;
    try {
      this.#kept = { json: read(this.scope, this.name) };
    } catch {
      // What has no JSON is not in the store either.
    }
  }

  /** Has what the cache holds now written. `settle` is called once, after the store answered, or with the error. */
  write(deadline: number, settle?: Settle): void {
    this.#want(deadline, settle, false);
  }

  /** The index does not have it, though it is held here: it is asked for. */
  verify(): void {
    if (this.busy) return;
    if (this.#around.has(this.scope, this.name)) this.#doubt();
    else this.#around.onUnused(this);
  }

  /** With a connection: what is not certain is asked for, and what could not be observed is tried again. */
  renew(): void {
    if (this.#doubtful) void this.#ask();
    // Of many new keys all are written before the first one is observed.
    if (!this.#observation && !this.busy) this.#observe();
  }

  /** The store is being closed: fails what has not gone out, and asks no more. */
  end(): void {
    clearTimeout(this.#retry);
    const write = this.#next;
    this.#next = undefined;
    if (write) this.#settle(write, notSent(this));
  }

  /** For people. */
  toString(): string {
    return `${this.scope} ${this.name}`;
  }

  #want(deadline: number, settle: Settle | undefined, restores: boolean): void {
    if (this.#next) {
      this.#next.want(deadline, settle, restores);
      return;
    }
    const write = new Write(deadline, settle, restores);
    if (this.#current) {
      this.#next = write;
      return;
    }
    this.#around.onBusy();
    this.#begin(write);
  }

  /** Sends the next write. No promises of our own on this way: each costs a busy flow as much as the work between them. */
  #begin(write: Write): void {
    const { scope, name } = this;
    const { index } = this.#around;
    this.#current = write;
    this.#next = undefined;
    if (index.has(scope, name) || !this.#around.has(scope, name)) {
      this.#send(write);
      return;
    }
    index.add(scope, [name], write.deadline).then(
      () => {
        // What was asked for since goes out with this one.
        if (this.#next) write.join(this.#next);
        this.#next = undefined;
        this.#send(write);
      },
      (error: unknown) => this.#end(write, error),
    );
  }

  #send(write: Write): void {
    const { index, persist, store } = this.#around;
    const failed = (error: unknown) => this.#end(write, error);
    const options = write.options(persist, store.timeout);
    if (!options) {
      queueMicrotask(() => failed(notInTime(`${this} was not written in time`, store)));
      return;
    }
    let json: string | undefined;
    try {
      json = this.#around.read(this.scope, this.name);
    } catch (error) {
      // Nobody is called back before the call that set it has returned.
      queueMicrotask(() => failed(error));
      return;
    }
    if (json === undefined) {
      index.doubt(this.scope, this.name);
      store.delete(this.#key, { timeout: options.timeout }).then(({ version }) => {
        this.#learned(version);
        this.#end(write, undefined);
      }, failed);
      return;
    }
    store.set(this.#key, json, options).then((result) => this.#onAnswer(write, result), failed);
  }

  #onAnswer(write: Write, { stored, version }: SetResult): void {
    const { scope, name } = this;
    const { index } = this.#around;
    if (stored) this.#learned(version);
    else this.#doubtful = true;
    this.#lives();
    if (index.has(scope, name)) {
      this.#end(write, undefined);
      return;
    }
    // Somebody may have deleted it, and taken it out of the index, just before.
    index.add(scope, [name], write.deadline).then(
      () => this.#end(write, undefined),
      (error: unknown) => this.#end(write, error),
    );
  }

  #end(write: Write, error: unknown): void {
    if (error) {
      this.#doubtful = true;
      this.#unwritten = true;
    }
    // What is set by who is called back is the next write.
    this.#settle(write, error);
    this.#current = undefined;
    if (this.#next) this.#begin(this.#next);
    else this.#settled();
  }

  #settle(write: Write, error: unknown): void {
    if (!error) this.#around.onWritten(this);
    else if (write.untold) this.#around.onNotWritten(this, error);
    write.settle(error, this.#around.onThrown);
  }

  #learned(version: string | undefined): void {
    this.#version = version;
    this.#connection = this.#around.connection();
    this.#doubtful = false;
    this.#unwritten = false;
    this.#kept = undefined;
  }

  /** It is in the store in its present life. */
  #lives(): void {
    const { life } = this.#around;
    this.#life = life.known;
    if (life.certain) return;
    const learned = (present: number) => {
      this.#life = present;
    };
    life.present().then(learned, () => undefined);
  }

  /** Has the cache take back what was told as not written; false where it is not known what the store had before. */
  #takeBack(): boolean {
    if (!this.#unwritten) return true;
    if (!this.#kept) return false;
    const { json } = this.#kept;
    this.#around.put(this.scope, this.name, json === undefined ? undefined : Buffer.from(json));
    return true;
  }

  /** Nothing is under way any more: what others wrote meanwhile counts, if it is newer. */
  #settled(): void {
    this.#around.onIdle();
    const remote = this.#remote;
    this.#remote = undefined;
    if (!this.#doubtful && remote) {
      const order = this.#compare(remote);
      if (order === undefined) this.#doubtful = true;
      else if (order > 0) this.#apply(remote);
    }
    if (this.#around.closed()) return;
    if (!this.#observation) this.#observe();
    if (this.#doubtful) void this.#ask();
    else if (!this.#around.has(this.scope, this.name)) this.#around.index.remove(this.scope, this.name);
  }

  #onChange(change: Change): void {
    this.#told++;
    if (change.operation === 'delete') this.#around.index.doubt(this.scope, this.name);
    if (this.busy) {
      this.#remote = change;
      return;
    }
    const order = this.#compare(change);
    if (order === undefined) this.#doubt();
    else if (order > 0) this.#apply(change);
    // Only another store, that serves the broker by now, has something older to tell on another connection.
    else if (order < 0 && this.#connection !== this.#around.connection()) this.#doubt();
  }

  /** Positive when a change is newer than what is known; nothing when that cannot be told. */
  #compare({ version }: Change): number | undefined {
    if (version === undefined) return undefined;
    if (this.#version === undefined) return 1;
    if (version === this.#version) return 0;
    const [theirs, ours] = [parseHlc(version), parseHlc(this.#version)];
    return theirs && ours ? compareHlc(theirs, ours) : undefined;
  }

  #apply(change: Change): void {
    this.#learned(change.version);
    if (change.operation === 'set') this.#lives();
    this.#around.put(this.scope, this.name, change.operation === 'set' ? change.value : undefined);
  }

  #doubt(): void {
    this.#doubtful = true;
    void this.#ask();
  }

  /** Reads what the store has, until that is known; whatever is written here meanwhile comes first. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#retry);
    try {
      while (this.#doubtful && !this.busy && !this.#around.closed()) await this.#askOnce();
    } catch (error) {
      this.#doubtful = true;
      if (!isRefusal(error)) this.#tryLater();
    } finally {
      this.#asking = false;
    }
  }

  async #askOnce(): Promise<void> {
    const { scope, name } = this;
    const { store, index, life } = this.#around;
    const told = this.#told;
    const reading = await store.get(this.#key);
    const present = await life.present();
    if (this.busy || told !== this.#told) return;
    if (reading.found) {
      const isNews = this.#unwritten || reading.version === undefined || reading.version !== this.#version;
      this.#learned(reading.version);
      this.#life = present;
      if (isNews || !this.#around.has(scope, name)) this.#around.put(scope, name, reading.value);
      if (!index.has(scope, name)) await index.add(scope, [name], performance.now() + store.timeout);
    } else if (this.#life > 0 && this.#life < present && this.#takeBack() && this.#around.has(scope, name)) {
      // It did not go alone: the store lost everything since. What was told as not written is not what it lost.
      this.#doubtful = false;
      this.#want(performance.now() + store.timeout, undefined, true);
    } else {
      this.#learned(undefined);
      this.#around.put(scope, name, undefined);
      index.remove(scope, name);
    }
  }

  #observe(): void {
    this.open().catch((error: unknown) => {
      if (this.#around.closed()) return;
      this.#around.onNotObserved(this, error);
      if (!isRefusal(error)) this.#tryLater();
    });
  }

  /** Without a connection it is tried when there is one again. */
  #tryLater(): void {
    if (this.#around.closed() || this.#around.store.state.kind !== 'connected') return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.renew(), RETRY_PAUSE_MS).unref();
  }
}

/** A refusal is another one only when there is another connection. */
function isRefusal(error: unknown): boolean {
  return error instanceof ServiceError && !isRetryable(error);
}

function notSent(key: CachedKey): StateStoreError {
  return new StateStoreError('CLOSED', `${key} was not written: the context store was closed.`);
}
