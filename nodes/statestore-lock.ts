/** Lets a message through when it has a lock, which an unlock node gives back. */
import type { Node, NodeAPI } from 'node-red';
import { type LockNodeDef, makeLockNode } from '../src/node-red/behaviour/lock-node';

export = (RED: NodeAPI): void => {
  function StateStoreLock(this: Node, def: LockNodeDef): void {
    RED.nodes.createNode(this, def);
    makeLockNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-lock', StateStoreLock);
};
