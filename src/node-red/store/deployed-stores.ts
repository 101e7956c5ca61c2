/** The `statestore-config` nodes: what was saved of them, and the stores that run. */
import type { Node, NodeAPI } from 'node-red';
import type { StoreSettings } from './settings';
import type { Store, StoreNode } from './store';

const TYPE = 'statestore-config';

/** What was deployed, `${NAME}` of the environment as it was written. */
export type DeployedStore = StoreSettings & { id: string; name?: string; d?: boolean };

/** By their IDs. A store in a subflow runs once for each instance, with an ID of its own. */
const running = new Map<string, StoreNode>();
const listeners = new Set<StoreListener>();

/** Called whenever a store was started or stopped. */
type StoreListener = (event: 'started' | 'stopped') => void;

let runtime: NodeAPI | undefined;

export function addRunningStore(RED: NodeAPI, node: StoreNode): void {
  runtime = RED;
  running.set(node.id, node);
  for (const listener of listeners) listener('started');
}

/** The node of any type that runs with this ID, also in an instance of a subflow. */
export function runningNode(id: string): Node | undefined {
  return runtime?.nodes.getNode(id) ?? undefined;
}

/** Returns the function that ends this. */
export function onStoresChanged(listener: StoreListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function removeRunningStore(node: StoreNode): void {
  if (running.get(node.id) !== node) return;
  running.delete(node.id);
  for (const listener of listeners) listener('stopped');
}

/** In the order in which they were started. */
export function runningStoreNodes(): StoreNode[] {
  return [...running.values()];
}

export function runningStoreNode(id: string): StoreNode | undefined {
  return running.get(id);
}

/** The store that runs with this ID. */
export function runningStore(id: string): Store | undefined {
  return running.get(id)?.store;
}

/** A store that runs for the node with this ID in the flow file: itself, or an instance of it in a subflow. */
export function runningInstance(id: string): StoreNode | undefined {
  return running.get(id) ?? runningStoreNodes().find((node) => node._alias === id);
}

/** The settings of the deployed store with this ID, started or not; `undefined` for nodes of other types. */
export function deployedStore(RED: NodeAPI, id: string): DeployedStore | undefined {
  let found: DeployedStore | undefined;
  RED.nodes.eachNode((def) => {
    if (def.id === id && def.type === TYPE) found = def as DeployedStore;
  });
  return found;
}
