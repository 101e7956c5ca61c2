/** The store: where it is, how to log in. Owns the one pooled client that all nodes of this store share. */
import type { NodeAPI, NodeDef } from 'node-red';
import { LocalEmulator } from '../src/node-red/emulator/local-emulator';
import { FlowsStart } from '../src/node-red/store/flows-start';
import { logConnection } from '../src/node-red/store/log';
import {
  isAutomatic,
  readStoreSettings,
  type StoreCredentials,
  type StoreSettings,
} from '../src/node-red/store/settings';
import { Store, type StoreNode } from '../src/node-red/store/store';
import { serveTestConnection } from '../src/node-red/store/test-connection';

export = (RED: NodeAPI): void => {
  const flowsStart = new FlowsStart(RED);
  function StateStoreConfig(this: StoreNode, def: NodeDef & StoreSettings): void {
    RED.nodes.createNode(this, def);
    const started = flowsStart.next;
    this.store = new Store(() => {
      const options = readStoreSettings(RED, def, this.credentials ?? {});
      if (!isAutomatic(def, options)) return { options };
      return { options, emulator: new LocalEmulator(def.id, options, started) };
    });
    this.users = this.store.users;
    logConnection(RED, this);
    this.on('close', (removed: boolean, done: () => void) => void this.store.close(removed).then(done, done));
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
