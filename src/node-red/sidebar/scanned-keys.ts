/** Keys of a store that lists them on request, page by page. */
import type { KeyList } from '../../client/scan';
import type { StateStoreClient } from '../../client/state-store-client';
import { MEMORY_KEY } from '../../coordination/store-memory';
import { escapePattern } from '../../protocol/glob';
import { type KeyPart, PAGE } from './key-pages';

/** Bytes of the keys of one answer. The last key may exceed it. */
const PAGE_BYTES = 1_048_576;
/** Most characters of a prefix. */
export const MAX_PREFIX = 1000;

/** A pattern that no key is expected to match, to see whether the store lists keys at all. */
const PROBE = 'statestore-test/is-there-a-list';
/** Locks and roles keep this key for themselves. */
const INTERNAL = Buffer.from(MEMORY_KEY);

/** Whether the store lists its keys. */
export async function listsKeys(client: StateStoreClient, signal: AbortSignal): Promise<boolean> {
  try {
    await client.keys(PROBE, { signal }).next();
    return true;
  } catch {
    return false;
  }
}

export class ScannedKeys {
  readonly #keys: KeyList;
  /** Keys that no answer has yet. They are kept if the next page of the store cannot be read. */
  #waiting: Buffer[] = [];

  constructor(client: StateStoreClient, prefix: string, signal: AbortSignal) {
    this.#keys = client.keys(`${escapePattern(prefix)}*`, { signal });
  }

  /** The next keys: at most 2,000, and about 1 MiB. */
  async next(): Promise<KeyPart> {
    let bytes = this.#waiting.reduce((sum, { length }) => sum + length, 0);
    while (this.#waiting.length < PAGE && bytes < PAGE_BYTES) {
      const { done, value } = await this.#keys.next();
      if (done) return { keys: this.#take(), more: false };
      if (value.equals(INTERNAL)) continue;
      this.#waiting.push(value);
      bytes += value.length;
    }
    return { keys: this.#take(), more: true };
  }

  #take(): Buffer[] {
    const keys = this.#waiting;
    this.#waiting = [];
    return keys;
  }
}
