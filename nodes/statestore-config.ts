/** The store: where it is, how to log in. Owns the one pooled client that all nodes of this store share. */
import type { NodeAPI, NodeDef } from 'node-red';
import { logConnection } from '../src/node-red/log';
import { readStoreSettings, type StoreCredentials, type StoreSettings } from '../src/node-red/settings';
import { Store, type StoreNode } from '../src/node-red/store';
import { serveTestConnection } from '../src/node-red/test-connection';

export = (RED: NodeAPI): void => {
  function StateStoreConfig(this: StoreNode, def: NodeDef & StoreSettings): void {
    RED.nodes.createNode(this, def);
    this.store = new Store(() => readStoreSettings(RED, def, this.credentials ?? {}));
    this.users = this.store.users;
    logConnection(RED, this);
    this.on('close', (_removed: boolean, done: () => void) => void this.store.close().then(done, done));
  }
  RED.nodes.registerType<StoreNode, NodeDef & StoreSettings, object, StoreCredentials>(
    'statestore-config',
    StateStoreConfig,
    {
      credentials: {
        username: { type: 'text' },
        password: { type: 'password' },
        keyPassword: { type: 'password' },
      },
    },
  );
  serveTestConnection(RED);
};
