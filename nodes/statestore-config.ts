/** The store: where it is, how to log in. Owns the one pooled client that all nodes of this store share. */
import type { NodeAPI, NodeDef } from 'node-red';
import { serveTestConnection } from '../src/node-red/sidebar/test-endpoint';
import { FlowsStart } from '../src/node-red/store/flows-start';
import type { StoreCredentials, StoreSettings } from '../src/node-red/store/settings';
import type { StoreNode } from '../src/node-red/store/store';
import { makeStoreNode } from '../src/node-red/store/store-node';

export = (RED: NodeAPI): void => {
  const flowsStart = new FlowsStart(RED);
  function StateStoreConfig(this: StoreNode, def: NodeDef & StoreSettings): void {
    RED.nodes.createNode(this, def);
    makeStoreNode(RED, this, def, flowsStart.next);
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
