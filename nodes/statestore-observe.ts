/** Sends a message for every change of the keys it observes. */
import type { Node, NodeAPI } from 'node-red';
import { makeObserverNode, type ObserverNodeDef } from '../src/node-red/behaviour/observer-node';

export = (RED: NodeAPI): void => {
  function StateStoreObserve(this: Node, def: ObserverNodeDef): void {
    RED.nodes.createNode(this, def);
    makeObserverNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-observe', StateStoreObserve);
};
