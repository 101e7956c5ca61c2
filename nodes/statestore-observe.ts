/** Sends a message for every change of the keys it observes. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/observer-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/observer-node');

export = (RED: NodeAPI): void => {
  function StateStoreObserve(this: Node, def: behaviour.ObserverNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeObserverNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-observe', StateStoreObserve);
};
