/** Gives back the lock that a message got from a lock node. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { makeUnlockNode } from '../src/node-red/behaviour/unlock-node';

export = (RED: NodeAPI): void => {
  function StateStoreUnlock(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    makeUnlockNode(RED, this);
  }
  RED.nodes.registerType('statestore-unlock', StateStoreUnlock);
};
