/** What the `statestore-config` node does: it has a store, which its users share. */
import type { NodeAPI, NodeDef } from 'node-red';
import type { StateStoreClientOptions } from '../../client/options';
import { variablesOf } from '../message/environment';
import { instanceName } from '../words/instance-name';
import { translate } from '../words/translate';
import { type ClaimedId, claimClientId } from './client-ids';
import { addRunningStore, removeRunningStore } from './deployed-stores';
import { logConnection } from './log';
import { isAutomatic, type StoreSettings } from './settings';
import { Store, type StoreNode, type StoreParts } from './store';
import type * as storeEmulator from './store-emulator';
import { readStoreSettings } from './store-options';

/** Loaded with the first store at the place *Emulator*. */
const loadEmulator = (): typeof storeEmulator => require('./store-emulator');

/** Makes a created node a store. `started`: resolves when the flows that it belongs to have started. */
export function makeStoreNode(
  RED: NodeAPI,
  node: StoreNode,
  def: NodeDef & StoreSettings,
  started: Promise<void>,
): void {
  const variables = variablesOf(RED, node);
  node.settings = def;
  node.store = new Store((): StoreParts => {
    const options = readStoreSettings(RED, def, node.credentials ?? {}, variables);
    const instance = instanceName(RED);
    if (isAutomatic(def, options)) {
      const emulator = loadEmulator().emulatorOf(RED, node, options, started);
      return { options, instance, emulator };
    }
    const claimed = ownClientId(RED, node, options);
    return claimed
      ? { options: { ...options, clientId: claimed.clientId }, instance, onClosed: claimed.release }
      : { options, instance };
  });
  node.users = node.store.users;
  addRunningStore(RED, node);
  logConnection(RED, node);
  node.on('close', (removed: boolean, done: () => void) => {
    removeRunningStore(node);
    void node.store.close(removed).then(done, done);
  });
}

/** A client ID that no other store of this process has on the same broker. */
function ownClientId(
  RED: NodeAPI,
  node: StoreNode,
  { host = 'localhost', port, clientId, tls }: StateStoreClientOptions,
): ClaimedId | undefined {
  if (clientId === undefined) return undefined;
  const broker = `${host}:${port ?? (tls ? 8883 : 1883)}`;
  const claimed = claimClientId(broker, clientId, { owner: node.id, name: node.name || node.id });
  if (claimed.usedBy !== undefined)
    node.warn(
      translate(RED, 'log.clientIdInUse', {
        wanted: clientId,
        store: claimed.usedBy,
        clientId: claimed.clientId,
      }),
    );
  return claimed;
}
