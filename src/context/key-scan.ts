import type { RequestOptions } from '../client/options';
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';
import { ServiceError } from '../protocol/errors';
import type { StoreKeys } from './store-keys';

/** A key of the context. */
export interface ContextKey {
  scope: string;
  name: string;
}

/** Lists the keys of the context that are in the store. A broker that cannot list keys has none. */
export class KeyScan {
  readonly #store: StateStoreClient;
  readonly #keys: StoreKeys;

  constructor(store: StateStoreClient, keys: StoreKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** All keys, or those of one scope. A page is read when it is needed. Throws as requests do. */
  async *find(scope?: string, options?: RequestOptions): AsyncGenerator<ContextKey, void, undefined> {
    try {
      for await (const key of this.#store.keys(this.#keys.pattern(scope), options)) {
        const found = this.#keys.valueAt(key);
        if (found) yield found;
      }
    } catch (error) {
      if (!cannotList(error)) throw error;
    }
  }
}

/** Whether the broker does not know SCAN, or does not let this client use it. */
function cannotList(error: unknown): boolean {
  return (
    error instanceof ServiceError || (error instanceof StateStoreError && error.code === 'NOT_SUPPORTED')
  );
}
