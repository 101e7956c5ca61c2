/** Versions of the flows in the state store: one key with the list, and keys with their parts. */
import { randomBytes } from 'node:crypto';
import type { Observation } from '../client/observation';
import type { StateStoreClient } from '../client/state-store-client';
import { update } from '../coordination/update';
import { StateStoreError } from '../errors';
import {
  begin,
  complete,
  type FlowIndex,
  type FlowVersion,
  formatIndex,
  parseIndex,
  recovered,
  restore,
} from './flow-index';
import { join, sha256, split } from './parts';

/** What a person sees of a version before it has an ID and a place. */
export type VersionDetails = Pick<FlowVersion, 'by' | 'user' | 'nodes' | 'type' | 'modules'>;

export interface FlowStoreOptions {
  /** Begins all keys, without a slash at its end. */
  prefix: string;
  /** How many versions stay in the store, from 1. */
  keep: number;
  /** Largest flows with credentials, in bytes. */
  maxBytes: number;
  /** Whether the broker is asked to keep the keys on disk. */
  persist: boolean;
}

export class FlowStore {
  readonly #client: StateStoreClient;
  readonly #options: FlowStoreOptions;
  readonly #indexKey: string;

  constructor(client: StateStoreClient, options: FlowStoreOptions) {
    this.#client = client;
    this.#options = options;
    this.#indexKey = `${options.prefix}/flows`;
  }

  async readIndex(): Promise<FlowIndex> {
    const got = await this.#client.get(this.#indexKey);
    return parseIndex(got.found ? got.value : undefined);
  }

  /** Calls `onChange` with the bytes of the list now and after each change, `undefined` if the key is gone. */
  observe(onChange: (index: Buffer | undefined) => void): Promise<Observation> {
    return this.#client.observe(
      this.#indexKey,
      (change) => onChange(change.operation === 'set' ? change.value : undefined),
      { current: true },
    );
  }

  /** The flows and credentials of a version. Throws `BAD_RESPONSE` if it is damaged. */
  async read(version: FlowVersion): Promise<Buffer> {
    const results = await this.#client.getMany(this.#partKeys(version));
    const parts = results.map((one) => {
      if ('error' in one) throw one.error;
      return one.found ? one.value : undefined;
    });
    return join(parts, version, `Flow version ${version.id}`);
  }

  /**
   * Makes `content` the version that runs, if `base` runs now. Nothing is changed for readers until all of it is in the store.
   * Throws `ConflictError` if another version runs, and `BAD_ARGUMENT` if the content is too large.
   */
  async deploy(
    base: string,
    content: Buffer,
    details: VersionDetails,
  ): Promise<{ index: FlowIndex; version: FlowVersion }> {
    this.#refuseTooLarge(content);
    const parts = split(content);
    const version: FlowVersion = {
      id: newId(),
      parts: parts.length,
      bytes: content.length,
      sha256: sha256(content),
      at: new Date().toISOString(),
      ...details,
    };
    let unused: readonly Pick<FlowVersion, 'id' | 'parts'>[] = [];
    await this.#change((index) => {
      const begun = begin(index, base, version, Date.now());
      unused = begun.abandoned;
      return begun.index;
    });
    try {
      await this.#writeParts(version, parts);
      const index = await this.#complete(base, version, (dropped) => {
        unused = [...unused, ...dropped];
      });
      return { index, version };
    } catch (error) {
      unused = [...unused, version];
      throw error;
    } finally {
      // What is left over costs memory in the store, and nothing else: the next deploy tries again.
      await this.#deleteParts(unused).catch(() => undefined);
    }
  }

  /** Writes the version of this instance back after the store lost its memory. Returns the index that is valid then. */
  async recover(own: FlowVersion, sequence: number, content: Buffer): Promise<FlowIndex> {
    if (!recovered(await this.readIndex(), own, sequence)) return this.readIndex();
    await this.#writeParts(own, split(content));
    return this.#change((index) => recovered(index, own, sequence) ?? index);
  }

  /** Goes back to an older version: all instances load it. Throws `BAD_ARGUMENT` if it is not in the list. */
  restore(id: string): Promise<FlowIndex> {
    return this.#change((index) => restore(index, id));
  }

  async #complete(
    base: string,
    version: FlowVersion,
    onDropped: (dropped: readonly FlowVersion[]) => void,
  ): Promise<FlowIndex> {
    let dropped: readonly FlowVersion[] = [];
    try {
      const index = await this.#change((before) => {
        const completed = complete(before, base, version, this.#options.keep);
        dropped = completed.dropped;
        return completed.index;
      });
      onDropped(dropped);
      return index;
    } catch (error) {
      if (!(error instanceof StateStoreError) || error.applied === 'no') throw error;
      const index = await this.readIndex();
      if (index.current !== version.id) throw error;
      return index;
    }
  }

  async #change(make: (index: FlowIndex) => FlowIndex): Promise<FlowIndex> {
    let after: FlowIndex | undefined;
    const { persist } = this.#options;
    await update(
      this.#client,
      this.#indexKey,
      (bytes) => {
        const before = parseIndex(bytes);
        after = make(before);
        return after === before ? bytes : formatIndex(after);
      },
      { persist },
    );
    return after as FlowIndex;
  }

  async #writeParts(version: FlowVersion, parts: Buffer[]): Promise<void> {
    const { persist } = this.#options;
    const entries = this.#partKeys(version).map((key, i) => [key, parts[i] as Buffer] as const);
    for (const result of await this.#client.setMany(entries, { persist }))
      if ('error' in result) throw result.error;
  }

  async #deleteParts(versions: readonly Pick<FlowVersion, 'id' | 'parts'>[]): Promise<void> {
    await this.#client.deleteMany(versions.flatMap((version) => this.#partKeys(version)));
  }

  #partKeys({ id, parts }: Pick<FlowVersion, 'id' | 'parts'>): string[] {
    return Array.from({ length: parts }, (_none, i) => `${this.#indexKey}/${id}/${i}`);
  }

  #refuseTooLarge({ length }: Buffer): void {
    const { maxBytes } = this.#options;
    if (length <= maxBytes) return;
    throw new StateStoreError('BAD_ARGUMENT', {
      problem: `The flows have ${length} bytes, and at most ${maxBytes} may be stored`,
      advice: 'Nothing was written. Remove large nodes, or raise maxBytes in settings.js.',
    });
  }
}

/** Sorts by time, and is unique among instances. */
function newId(): string {
  const time = new Date().toISOString().slice(0, 19).replace(/\D/g, '');
  return `${time}-${randomBytes(4).toString('hex')}`;
}
