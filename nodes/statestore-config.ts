/** The store: where it is. Owns the one pooled client that all nodes of this store share. */
import type { NodeAPI, NodeDef } from 'node-red';
import { readStoreSettings, type StoreSettings } from '../src/node-red/settings';
import { Store, type StoreNode } from '../src/node-red/store';

export = (RED: NodeAPI): void => {
  function StateStoreConfig(this: StoreNode, def: NodeDef & StoreSettings): void {
    RED.nodes.createNode(this, def);
    this.store = new Store(readStoreSettings(def));
    this.users = this.store.users;
    this.on('close', (_removed: boolean, done: () => void) => void this.store.close().then(done, done));
  }
  RED.nodes.registerType('statestore-config', StateStoreConfig);
};
