import type { KeyChange, Observation } from '../client/observation';
import { StateStoreError } from '../errors';
import type { KeyContext } from './key-context';
import { KeyReplica } from './key-replica';
import type { Settle } from './key-write';
import { KeyWriter } from './key-writer';
import { digestOf, type Verdict } from './restored';

/** Pause before the store is asked again after an error, in milliseconds. */
const RETRY_PAUSE_MS = 1000;

/**
 * One key of the cache: it observes the key, and keeps the value of the cache in step with the store. {@link KeyWriter} sends its writes,
 * {@link KeyReplica} has the content of the store as it is known.
 */
export class CachedKey {
  readonly scope: string;
  readonly name: string;
  readonly #key: string;
  readonly #context: KeyContext;
  readonly #onUnused: (key: CachedKey) => void;
  readonly #replica = new KeyReplica();
  readonly #writer: KeyWriter;
  /** Counts changes. */
  #changes = 0;
  #asking = false;
  #retry: NodeJS.Timeout | undefined;
  #observation: Promise<Observation> | undefined;

  /**
   * `onUnused` is called when the key is neither in the cache nor in the index any more. Throws `BAD_ARGUMENT` for a name that cannot be a
   * key of the store.
   */
  constructor(scope: string, name: string, context: KeyContext, onUnused: (key: CachedKey) => void) {
    const key = context.link.keys.value(scope, name);
    this.scope = scope;
    this.name = name;
    this.#key = key;
    this.#context = context;
    this.#onUnused = onUnused;
    this.#writer = new KeyWriter({ scope, name, key }, context, this.#replica, (change) =>
      this.#onIdle(change),
    );
  }

  /** Whether a write is in flight or waits. */
  get busy(): boolean {
    return this.#writer.busy;
  }

  /** Observes the key; resolves when the cache has its value. Rejects as {@link StateStoreClient.observe} does. */
  async open(): Promise<void> {
    const { client } = this.#context.link;
    this.#observation ??= client.observe(this.#key, (change) => this.#onChange(change), { current: true });
    const observation = this.#observation;
    try {
      await observation;
    } catch (error) {
      if (this.#observation === observation) this.#observation = undefined;
      throw error;
    }
  }

  /** Ends the observation. */
  close(): void {
    clearTimeout(this.#retry);
    const observation = this.#observation;
    this.#observation = undefined;
    observation?.then((open) => open.close()).catch(() => undefined);
  }

  /** The store refuses to let the key be observed any longer: that is tried again with the next connection. */
  lose(): void {
    this.close();
    this.#doubt();
  }

  /** Writes the value that the cache has now. `settle` is called once, after the store answered, or with the error. */
  write(deadline: number, settle?: Settle): void {
    this.#writer.write(deadline, settle);
  }

  /** Whether the cache may have another value than the store. */
  get changed(): boolean {
    if (this.busy || this.#replica.doubtful) return true;
    const { text } = this.#replica;
    if (!this.#isCached) return text !== undefined;
    try {
      const { client } = this.#context.link;
      return this.#context.values.encoded(this.scope, this.name, client.maximumPacketSize) !== text;
    } catch {
      return true; // The write reports it.
    }
  }

  /** The index does not have the name. */
  verify(): void {
    if (this.busy) return;
    if (this.#isCached) this.#doubt();
    else this.#onUnused(this);
  }

  /** With a connection: reads the key if its content is uncertain, and tries again to observe it. */
  renew(): void {
    if (this.#replica.doubtful) void this.#ask();
    // Of many new keys all are written before the first one is observed.
    if (!this.busy) this.#observe();
  }

  /** The context store is being closed: fails the write that has not gone out. */
  end(): void {
    clearTimeout(this.#retry);
    this.#writer.end();
  }

  /** For people. */
  toString(): string {
    return `${this.#writer}`;
  }

  get #isCached(): boolean {
    return this.#context.values.has(this.scope, this.name);
  }

  /** No write is in flight any more: a change of another process counts if it is newer. */
  #onIdle(change: KeyChange | undefined): void {
    const { link } = this.#context;
    if (change && !this.#replica.doubtful) this.#follow(change);
    if (link.closed) return;
    if (this.#replica.doubtful || this.#isCached) {
      this.#observe();
      if (this.#replica.doubtful) void this.#ask();
    } else if (link.index.mayHave(this.scope, this.name)) {
      link.index.remove(this.scope, this.name);
    } else {
      this.#onUnused(this);
    }
  }

  #onChange(change: KeyChange): void {
    this.#changes++;
    if (change.operation === 'delete') this.#context.link.index.doubt(this.scope, this.name);
    if (this.busy) this.#writer.keep(change);
    else this.#follow(change);
  }

  #follow(change: KeyChange): void {
    const { link, values, deleted } = this.#context;
    const { text: before, life: lastLife } = this.#replica;
    const judgement = this.#replica.judge(change, link.connections);
    // After a loss of everything a newer version may be that of an older value that another process restored.
    const isLost = before !== undefined && lastLife > 0 && link.life.maySurpass(lastLife);
    if (judgement === 'doubt' || (judgement === 'news' && isLost)) this.#doubt();
    if (judgement !== 'news' || isLost) return;
    if (change.operation === 'delete' && before !== undefined)
      deleted.add(this.scope, this.name, change.version, lastLife);
    const text = change.operation === 'set' ? change.value.toString() : undefined;
    this.#replica.learn(text, change.version, link.connections);
    if (text !== undefined) link.life.track((life) => this.#replica.livesIn(life));
    values.take(this.scope, this.name, text);
  }

  #doubt(): void {
    this.#replica.doubt();
    void this.#ask();
  }

  /** Reads the key until its content is certain. A write of this process comes first. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#retry);
    try {
      while (this.#replica.doubtful && !this.busy && !this.#context.link.closed) await this.#askOnce();
    } catch (error) {
      this.#replica.doubt();
      if (isPassing(error)) this.#tryLater();
    } finally {
      this.#asking = false;
    }
  }

  async #askOnce(): Promise<void> {
    const { link } = this.#context;
    const changes = this.#changes;
    const isOutdated = () => this.busy || changes !== this.#changes;
    const reading = await link.client.get(this.#key);
    const present = await link.life.present();
    if (isOutdated()) return;
    const { text, version, life } = this.#replica;
    if (text !== undefined && life > 0 && life < present) {
      // The store lost everything since.
      const { wins, over } = await this.#claim(text, version);
      if (isOutdated()) return;
      const isRestored = reading.found && over.includes(digestOf(reading.value.toString()));
      if (wins && (!reading.found || isRestored)) {
        // An older value that another process restored makes way.
        if (reading.found) await link.client.deleteIfValue(this.#key, reading.value);
        if (!this.busy) this.#writer.restore(link.deadline, text);
        return;
      }
    }
    if (reading.found) await this.#found(reading.value.toString(), reading.version, present);
    else this.#missing(present);
  }

  async #claim(text: string, version: string | undefined): Promise<Verdict> {
    if (version === undefined) return { wins: true, over: [] };
    const claim = { name: this.name, version, digest: digestOf(text) };
    return this.#context.link.restores.claim(this.scope, claim);
  }

  async #found(text: string, version: string | undefined, life: number): Promise<void> {
    const { link, values } = this.#context;
    const isNews = version === undefined || version !== this.#replica.version;
    this.#replica.learn(text, version, link.connections);
    this.#replica.livesIn(life);
    if (isNews || !this.#isCached) values.take(this.scope, this.name, text);
    if (!link.index.has(this.scope, this.name)) await link.index.add(this.scope, [this.name], link.deadline);
  }

  #missing(present: number): void {
    const { link, values, deleted } = this.#context;
    const { text, version, life } = this.#replica;
    if (text !== undefined && life === present) deleted.add(this.scope, this.name, version, present);
    this.#replica.learn(undefined, undefined, link.connections);
    values.take(this.scope, this.name, undefined);
    link.index.remove(this.scope, this.name);
  }

  #observe(): void {
    if (this.#observation) return;
    this.open().catch((error: unknown) => {
      const { link, log } = this.#context;
      if (link.closed) return;
      log.trouble('keyNotObserved', error, { key: `${this}` });
      if (isPassing(error)) this.#tryLater();
    });
  }

  /** Without a connection it is tried with the next one. */
  #tryLater(): void {
    const { link } = this.#context;
    if (link.closed || link.client.state.kind !== 'connected') return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.renew(), RETRY_PAUSE_MS).unref();
  }
}

/** A final refusal is another one only with another connection. */
function isPassing(error: unknown): boolean {
  return !(error instanceof StateStoreError) || error.retryable;
}
