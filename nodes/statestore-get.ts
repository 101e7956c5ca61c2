/** Reads the value of a key, or of many keys into an object. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/get-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/get-node');

export = (RED: NodeAPI): void => {
  function StateStoreGet(this: Node, def: behaviour.GetNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeGetNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-get', StateStoreGet);
};
