/** Stores a value under a key, or the properties of an object under keys of their names. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/set-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/set-node');

export = (RED: NodeAPI): void => {
  function StateStoreSet(this: Node, def: behaviour.SetNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeSetNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-set', StateStoreSet);
};
