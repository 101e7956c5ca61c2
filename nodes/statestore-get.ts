/** Reads the value of a key, or of many keys into an object. */
import type { Node, NodeAPI } from 'node-red';
import { type GetNodeDef, makeGetNode } from '../src/node-red/behaviour/get-node';

export = (RED: NodeAPI): void => {
  function StateStoreGet(this: Node, def: GetNodeDef): void {
    RED.nodes.createNode(this, def);
    makeGetNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-get', StateStoreGet);
};
