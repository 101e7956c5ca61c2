/** Releases the lock that a message got from a lock node. */
import type { Node, NodeAPI, NodeDef } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/unlock-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/unlock-node');

export = (RED: NodeAPI): void => {
  function StateStoreUnlock(this: Node, def: NodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeUnlockNode(RED, this);
  }
  RED.nodes.registerType('statestore-unlock', StateStoreUnlock);
};
