/** Stores a value under a key, or the properties of an object under keys of their names. */
import type { Node, NodeAPI } from 'node-red';
import { makeSetNode, type SetNodeDef } from '../src/node-red/behaviour/set-node';

export = (RED: NodeAPI): void => {
  function StateStoreSet(this: Node, def: SetNodeDef): void {
    RED.nodes.createNode(this, def);
    makeSetNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-set', StateStoreSet);
};
