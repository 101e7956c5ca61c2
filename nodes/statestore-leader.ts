/** Lets messages through while this one of several candidates for a role is the active one. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/leader-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/leader-node');

export = (RED: NodeAPI): void => {
  function StateStoreLeader(this: Node, def: behaviour.LeaderNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeLeaderNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-leader', StateStoreLeader);
};
