import type { RequestOptions } from '../client/options';
import { timeLeft } from '../client/time-left';
import { type Callback, type ContextStore, pairsOf, SeenScopes } from './context-store';
import { checkValue, decode, encode } from './encoding';
import { Link } from './link';
import { type NodeRed, whenStarted } from './node-red';
import { notInTime } from './not-in-time';
import type { ResolvedContextOptions } from './options';
import { property, visibleNames } from './scope-data';
import type { StoreLog } from './store-log';

type Data = Record<string, unknown>;

/** A context store that keeps nothing in memory: every read asks the store, so there is always a callback. */
export class DirectStore implements ContextStore {
  readonly #util: NodeRed['util'];
  readonly #log: StoreLog;
  readonly #link: Link;
  readonly #persist: boolean;
  readonly #seen = new SeenScopes();
  readonly #stopListening: () => void;
  /** The last write of each scope that is under way: they go out in their order. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(options: ResolvedContextOptions, nodeRed: NodeRed, log: StoreLog) {
    this.#util = nodeRed.util;
    this.#log = log;
    this.#stopListening = whenStarted(nodeRed, this.#seen.started);
    this.#persist = options.persist;
    this.#link = new Link(options, this.#log, {
      onNames: () => undefined,
      onObservationLost: () => undefined,
      onBack: () => undefined,
    });
  }

  async open(): Promise<void> {
    await this.#link.open(async () => undefined);
    this.#log.info('connected');
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#link.close(() => this.#log.notWrittenAtEnd([]));
  }

  get(scope: string, key: string | string[], callback?: Callback): undefined {
    const settled = asynchronous(callback);
    const expressions = Array.isArray(key) ? key : [key];
    const read = async () => {
      const data = await this.#read(scope, new Set(expressions.map((one) => this.#nameOf(one))));
      return expressions.map((one) => property(this.#util, data, one));
    };
    this.#settle(read(), settled);
  }

  set(scope: string, key: string | string[], value: unknown, callback?: Callback): void {
    if (callback !== undefined) asynchronous(callback);
    this.#seen.used(scope);
    const { deadline } = this.#link;
    const done = this.#inOrder(scope, () => this.#set(scope, pairsOf(key, value), deadline));
    if (callback) this.#settle(done, callback);
    else done.catch((error: unknown) => this.#log.notWritten(`${scope} ${key}`, error));
  }

  keys(scope: string, callback?: Callback): undefined {
    const settled = asynchronous(callback);
    const names = this.#link.index.read(scope).then((all) => [visibleNames(scope, all)]);
    this.#settle(names, settled);
  }

  delete(scope: string): Promise<void> {
    const { deadline } = this.#link;
    return this.#inOrder(scope, async () => {
      const names = await this.#link.index.read(scope, this.#inTime(scope, deadline));
      const keys = names.map((name) => this.#key(scope, name));
      for (const result of await this.#link.client.deleteMany(keys, this.#inTime(scope, deadline)))
        if ('error' in result) throw result.error;
      for (const name of names) this.#link.index.remove(scope, name);
      await this.#link.index.idle();
    });
  }

  /** Does not wait for the store: Node-RED starts no flow before, and none at all after an error. */
  async clean(activeNodes: string[]): Promise<void> {
    for (const scope of this.#seen.unused(this.#link.index.scopes, activeNodes))
      this.delete(scope).catch((error: unknown) => this.#log.error('notDeleted', error, { scope }));
  }

  /** `deadline`: counted from the call, on the monotonic clock in milliseconds, since it may have waited for its turn. */
  async #set(scope: string, pairs: [key: string, value: unknown][], deadline: number): Promise<void> {
    const { index, client } = this.#link;
    const names = new Set(pairs.map(([one]) => this.#nameOf(one)));
    for (const [, value] of pairs) checkValue(value);
    // Only a part of a key needs the current value.
    const whole = pairs.every(([one]) => this.#parts(one).length === 1);
    const data = whole ? emptyData() : await this.#read(scope, names, this.#inTime(scope, deadline));
    for (const [one, value] of pairs) this.#util.setObjectProperty(data, one, value);
    for (const name of names) {
      if (!Object.hasOwn(data, name)) {
        const key = this.#key(scope, name);
        const { deleted } = await client.delete(key, this.#inTime(`${scope} ${name}`, deadline));
        if (!deleted && !index.has(scope, name)) continue;
        index.remove(scope, name);
        await index.idle();
        continue;
      }
      const { json, circular } = encode(data[name], client.maximumPacketSize);
      this.#log.circular(scope, name, circular);
      const isNew = !index.has(scope, name);
      if (isNew) await index.add(scope, [name], deadline);
      try {
        const options = { persist: this.#persist, ...this.#inTime(`${scope} ${name}`, deadline) };
        await client.set(this.#key(scope, name), json, options);
      } catch (error) {
        // Taken out again only where its key is not there.
        if (isNew) index.remove(scope, name);
        throw error;
      }
      // Another process may have deleted the key and removed it from the index just before.
      if (!index.has(scope, name)) await index.add(scope, [name], deadline);
    }
  }

  /** The time left until `deadline`, for a request. Throws if it is too little. */
  #inTime(what: string, deadline: number): { timeout: number } {
    const { client } = this.#link;
    const timeout = timeLeft(deadline, client.timeout);
    if (timeout === undefined) throw notInTime(`${what} was not written in time`, client);
    return { timeout };
  }

  async #read(scope: string, names: ReadonlySet<string>, options?: RequestOptions): Promise<Data> {
    const data = emptyData();
    const keys = [...names].map((name) => this.#key(scope, name));
    const readings = await this.#link.client.getMany(keys, options);
    for (const [index, name] of [...names].entries()) {
      const reading = readings[index];
      if (reading && 'error' in reading) throw reading.error;
      if (reading?.found) data[name] = decode(reading.value.toString());
    }
    return data;
  }

  /** Runs after all earlier requests of this scope, with any outcome of them. */
  #inOrder(scope: string, work: () => Promise<void>): Promise<void> {
    const { writes } = this.#link;
    writes.begin();
    const done = (this.#writing.get(scope) ?? Promise.resolve()).then(work);
    const settled = done
      .catch(() => writes.fail())
      .then(() => {
        writes.end();
        if (this.#writing.get(scope) === settled) this.#writing.delete(scope);
      });
    this.#writing.set(scope, settled);
    return done;
  }

  #settle(outcome: Promise<unknown>, callback: Callback): void {
    const call = (...values: unknown[]) => {
      try {
        callback(...values);
      } catch (thrown) {
        this.#log.error('callbackThrew', thrown);
      }
    };
    outcome.then(
      (values) => call(undefined, ...(Array.isArray(values) ? values : [])),
      (error: unknown) => call(error),
    );
  }

  #key(scope: string, name: string): string {
    return this.#link.keys.value(scope, name);
  }

  #nameOf(expression: string): string {
    return String(this.#parts(expression)[0]);
  }

  #parts(expression: string): unknown[] {
    return this.#util.normalisePropertyExpression(expression, emptyData());
  }
}

function emptyData(): Data {
  return Object.create(null) as Data;
}

function asynchronous(callback: Callback | undefined): Callback {
  if (typeof callback === 'function') return callback;
  throw new Error('This context store has no cache (cache: false): it can only be used with a callback.');
}
