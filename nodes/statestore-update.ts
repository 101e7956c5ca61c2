/** Changes a key in one step, also if other clients change it at the same time. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/update-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/update-node');

export = (RED: NodeAPI): void => {
  function StateStoreUpdate(this: Node, def: behaviour.UpdateNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeUpdateNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-update', StateStoreUpdate);
};
