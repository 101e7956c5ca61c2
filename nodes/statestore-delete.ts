/** Deletes a key or many keys. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/delete-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/delete-node');

export = (RED: NodeAPI): void => {
  function StateStoreDelete(this: Node, def: behaviour.DeleteNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeDeleteNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-delete', StateStoreDelete);
};
