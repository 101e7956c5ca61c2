/** Which stores run, which keys their nodes name, and whether they can be reached. */
import type { NodeAPI, NodeDef } from 'node-red';
import { runningStoreNode, runningStoreNodes } from '../store/deployed-stores';
import type { StoreNode } from '../store/store';
import { addressOf } from '../store/store-address';
import { testDeployedStore } from '../store/test-connection';
import { handler, nothing } from './endpoint';
import { ENDPOINTS } from './endpoint-table';
import { object } from './fields';
import { namedKeys } from './key-usage';
import type { ListedStore, NamedKey, TestedConnection } from './protocol';
import { Refusal } from './refusal';
import type { Handler } from './route';

export function storeHandlers(RED: NodeAPI): Record<'stores' | 'namedKeys' | 'testDeployed', Handler> {
  return {
    stores: handler(RED, ENDPOINTS.stores, nothing, () =>
      runningStoreNodes().map((node) => listed(RED, node)),
    ),
    namedKeys: handler(RED, ENDPOINTS.namedKeys, nothing, ({ id }) => named(RED, knownStore(id))),
    testDeployed: handler(
      RED,
      ENDPOINTS.testDeployed,
      object({}),
      ({ id }): Promise<TestedConnection> => testDeployedStore(RED, knownStore(id).id),
    ),
  };
}

/** The store that runs with this ID. */
export function knownStore(id: string): StoreNode {
  const node = runningStoreNode(id);
  if (!node) throw new Refusal(404, 'noSuchStore', 'There is no such store. Deploy it, and enable it.');
  return node;
}

function listed(RED: NodeAPI, node: StoreNode): ListedStore {
  const { movedTo } = node.store;
  return {
    id: node.id,
    name: nameOf(RED, node),
    address: node.settings.source === 'environment' ? '' : addressOf(node.settings, movedTo),
    ...(movedTo !== undefined && { movedTo }),
  };
}

/** Of a store in a subflow, the name of the instance as well, which is different for each. */
function nameOf(RED: NodeAPI, { name = '', z, _alias }: StoreNode): string {
  if (_alias === undefined) return name;
  let instance = z ?? '';
  RED.nodes.eachNode((def: NodeDef) => {
    if (def.id === z && def.name) instance = def.name;
  });
  return name ? `${name} (${instance})` : instance;
}

function named(RED: NodeAPI, node: StoreNode): NamedKey[] {
  return namedKeys(RED, node).map(({ key, ...rest }) => ({
    key: Buffer.from(key).toString('base64'),
    ...rest,
  }));
}
