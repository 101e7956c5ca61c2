/** Changes a key in one step, whatever other clients do meanwhile. */
import type { Node, NodeAPI } from 'node-red';
import { makeUpdateNode, type UpdateNodeDef } from '../src/node-red/behaviour/update-node';

export = (RED: NodeAPI): void => {
  function StateStoreUpdate(this: Node, def: UpdateNodeDef): void {
    RED.nodes.createNode(this, def);
    makeUpdateNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-update', StateStoreUpdate);
};
