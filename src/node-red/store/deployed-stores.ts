/** The `statestore-config` nodes that are deployed: what was saved of them, and what runs. */
import type { NodeAPI } from 'node-red';
import type { StoreSettings } from './settings';
import { type Store, type StoreNode, storeOf } from './store';

const TYPE = 'statestore-config';

/** What was deployed, `${NAME}` of the environment as it was written. */
export type DeployedStore = StoreSettings & { id: string; name?: string };

export function deployedStores(RED: NodeAPI): DeployedStore[] {
  const found: DeployedStore[] = [];
  RED.nodes.eachNode((def) => {
    if (def.type === TYPE) found.push(def as DeployedStore);
  });
  return found;
}

/** The settings of the deployed store with this ID, started or not; those of a node of another type are none. */
export function deployedStore(RED: NodeAPI, id: string): DeployedStore | undefined {
  return deployedStores(RED).find((store) => store.id === id);
}

/** The store that runs with this ID; a node of another type is none. */
export function runningStore(RED: NodeAPI, id: string): Store | undefined {
  const node = RED.nodes.getNode(id) as StoreNode | null;
  return node?.type === TYPE ? storeOf(node) : undefined;
}
