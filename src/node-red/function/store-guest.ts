/** Function nodes as users of the deployed stores: one registration for each store, whichever function nodes use it. */
import type { StateStoreClient } from '../../client/state-store-client';
import { StateStoreError } from '../../errors';
import { runningStoreNodes } from '../store/deployed-stores';
import type { Store, StoreNode } from '../store/store';

const registered = new WeakMap<Store, StateStoreClient>();

/** The client of the running store with this name or ID. Throws `BAD_ARGUMENT` if there is none, or more than one. */
export function clientOf(nameOrId: string): StateStoreClient {
  const { store } = find(nameOrId);
  const known = registered.get(store);
  if (known) return known;
  const guest = {
    onClosing: () => {
      registered.delete(store);
      store.releaseGuest(guest);
    },
  };
  const client = store.registerGuest(guest);
  registered.set(store, client);
  return client;
}

function find(nameOrId: string): StoreNode {
  const nodes = runningStoreNodes();
  const byId = nodes.find(({ id }) => id === nameOrId);
  if (byId) return byId;
  const [node, ...others] = nodes.filter(({ name, _alias }) => name === nameOrId || _alias === nameOrId);
  if (node && others.length === 0) return node;
  const names = nodes.map(({ name, id }) => name || id).join(', ') || 'none';
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: node
      ? `${others.length + 1} deployed stores are called ${nameOrId}`
      : `There is no deployed store ${nameOrId}`,
    advice: node ? 'Use the ID of the store instead of its name.' : `Deployed stores: ${names}.`,
  });
}
