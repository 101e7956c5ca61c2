/** The name by which others see a client that holds a lease. */
import type { StateStoreClient } from '../client/state-store-client';

const names = new WeakMap<StateStoreClient, string>();

/** Leases, locks and roles that this client acquires from now on have this name. Default: its client ID. */
export function setHolderName(store: StateStoreClient, name: string): void {
  names.set(store, name);
}

export function holderNameOf(store: StateStoreClient): string {
  return names.get(store) ?? store.clientId;
}
