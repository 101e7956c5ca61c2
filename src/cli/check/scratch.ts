/** The keys of a check, which are all deleted at its end. */
import type { StateStoreClient } from '../../client/state-store-client';
import { outcomeOf } from './outcome';

export class Scratch {
  readonly store: StateStoreClient;
  readonly prefix: string;
  /** Keys in use, and the fencing tokens that protect them. */
  readonly #keys = new Map<string, string | undefined>();

  constructor(store: StateStoreClient, prefix: string) {
    this.store = store;
    this.prefix = prefix;
  }

  /** A key of this check. */
  readonly key = (name: string): string => {
    const key = `${this.prefix}${name}`;
    if (!this.#keys.has(key)) this.#keys.set(key, undefined);
    return key;
  };

  /** Notes the token that is needed to delete a key. */
  protect(key: string, fencingToken: string): void {
    this.#keys.set(key, fencingToken);
  }

  /** Deletes all keys. Returns the keys that may be left. A rule that refuses to delete a key refused to set it as well. */
  async clean(): Promise<string[]> {
    const left: string[] = [];
    const deleted = [...this.#keys].map(async ([key, fencingToken]) => {
      try {
        await this.store.delete(key, fencingToken === undefined ? {} : { fencingToken });
      } catch (error) {
        if (outcomeOf(error).result !== 'refused') left.push(key);
      }
    });
    await Promise.all(deleted);
    return left;
  }
}
