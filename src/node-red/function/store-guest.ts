/** Function nodes as users of the deployed stores: one registration for each store, whichever function nodes use it. */
import type { StateStoreClient } from '../../client/state-store-client';
import { StateStoreError } from '../../errors';
import { runningStoreNodes } from '../store/deployed-stores';
import type { Guest, Store, StoreNode } from '../store/store';

const registered = new WeakMap<Store, FunctionGuest>();

/** The function nodes that use one store. */
class FunctionGuest implements Guest {
  readonly isInFlows = true;
  readonly client: StateStoreClient;
  readonly #store: Store;
  #calls = 0;
  #closing = false;

  constructor(store: Store) {
    this.#store = store;
    this.client = store.registerGuest(this);
    registered.set(store, this);
  }

  async run<Result>(call: (client: StateStoreClient) => Promise<Result>): Promise<Result> {
    this.#calls++;
    try {
      return await call(this.client);
    } finally {
      this.#calls--;
      if (this.#closing) this.#leave();
    }
  }

  onClosing(): void {
    this.#closing = true;
    registered.delete(this.#store);
    this.#leave();
  }

  /** Calls under way can end, such as those of *On Stop*. Without a connection they would only delay the deploy. */
  #leave(): void {
    if (this.#calls === 0 || this.client.state.kind !== 'connected') this.#store.releaseGuest(this);
  }
}

/**
 * The client of the running store with this name or ID. Of several with the name, it is the one in the flow or in the instance of a subflow that
 * `path` names: IDs with `/` between them. Throws `BAD_ARGUMENT` if there is none, or more than one.
 */
export function clientOf(nameOrId: string, path: string | undefined): StateStoreClient {
  return guestOf(nameOrId, path).client;
}

/** Calls the running store with this name or ID. Rejects as {@link clientOf} throws. */
export async function callStore<Result>(
  nameOrId: string,
  path: string | undefined,
  call: (client: StateStoreClient) => Promise<Result>,
): Promise<Result> {
  return guestOf(nameOrId, path).run(call);
}

function guestOf(nameOrId: string, path = ''): FunctionGuest {
  const { store } = find(nameOrId, path.split('/'));
  return registered.get(store) ?? new FunctionGuest(store);
}

function find(nameOrId: string, path: readonly string[]): StoreNode {
  const nodes = runningStoreNodes();
  const byId = nodes.find(({ id }) => id === nameOrId);
  if (byId) return byId;
  const named = nodes.filter(({ name, _alias }) => name === nameOrId || _alias === nameOrId);
  const near = named.length > 1 ? named.filter(({ z }) => path.includes(z)) : [];
  const [node, ...others] = near.length > 0 ? near : named;
  if (node && others.length === 0) return node;
  const names = nodes.map(({ name, id }) => name || id).join(', ') || 'none';
  throw new StateStoreError('BAD_ARGUMENT', {
    problem: node
      ? `${others.length + 1} deployed stores are called ${nameOrId}`
      : `There is no deployed store ${nameOrId}`,
    advice: node ? 'Use the ID of the store instead of its name.' : `Deployed stores: ${names}.`,
  });
}
