/** Keys of a store that lists them on request, page by page. */
import type { KeyList } from '../../client/scan';
import type { StateStoreClient } from '../../client/state-store-client';
import { MEMORY_KEY } from '../../coordination/store-memory';
import { escapePattern } from '../../protocol/glob';

/** Keys of one answer. */
const PAGE = 2000;
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

  constructor(client: StateStoreClient, prefix: string, signal: AbortSignal) {
    this.#keys = client.keys(`${escapePattern(prefix)}*`, { signal });
  }

  /** The next keys, at most 2,000, and whether there may be more. */
  async next(): Promise<{ keys: Buffer[]; more: boolean }> {
    const keys: Buffer[] = [];
    while (keys.length < PAGE) {
      const { done, value } = await this.#keys.next();
      if (done) return { keys, more: false };
      if (!value.equals(INTERNAL)) keys.push(value);
    }
    return { keys, more: true };
  }
}
