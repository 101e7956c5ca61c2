/** Passes a message when it has the lock. An unlock node releases the lock. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/lock-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/lock-node');

export = (RED: NodeAPI): void => {
  function StateStoreLock(this: Node, def: behaviour.LockNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeLockNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-lock', StateStoreLock);
};
