/** The store: where it is, how to log in. Owns the one pooled client that all nodes of this store share. */
import type { NodeAPI, NodeDef } from 'node-red';
import { ENDPOINTS } from '../src/node-red/sidebar/endpoint-table';
import { route } from '../src/node-red/sidebar/route';
import type * as testEndpoint from '../src/node-red/sidebar/test-endpoint';
import { FlowsStart } from '../src/node-red/store/flows-start';
import type { StoreCredentials, StoreSettings } from '../src/node-red/store/settings';
import type { StoreNode } from '../src/node-red/store/store';
import type * as storeNode from '../src/node-red/store/store-node';

/** Loaded with the first store. */
const load = (): typeof storeNode => require('../src/node-red/store/store-node');
/** Loaded with the first test of a connection. */
const loadTest = (): typeof testEndpoint => require('../src/node-red/sidebar/test-endpoint');

export = (RED: NodeAPI): void => {
  const flowsStart = FlowsStart.of(RED);
  function StateStoreConfig(this: StoreNode, def: NodeDef & StoreSettings): void {
    RED.nodes.createNode(this, def);
    load().makeStoreNode(RED, this, def, flowsStart.next);
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
  route(RED, ENDPOINTS.test, () => loadTest().testHandler(RED));
};
