/** Deletes a key or many keys. */
import type { Node, NodeAPI } from 'node-red';
import { type DeleteNodeDef, makeDeleteNode } from '../src/node-red/behaviour/delete-node';

export = (RED: NodeAPI): void => {
  function StateStoreDelete(this: Node, def: DeleteNodeDef): void {
    RED.nodes.createNode(this, def);
    makeDeleteNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-delete', StateStoreDelete);
};
