/** Lets messages through while this one of several candidates for a role is the active one. */
import type { Node, NodeAPI } from 'node-red';
import { type LeaderNodeDef, makeLeaderNode } from '../src/node-red/behaviour/leader-node';

export = (RED: NodeAPI): void => {
  function StateStoreLeader(this: Node, def: LeaderNodeDef): void {
    RED.nodes.createNode(this, def);
    makeLeaderNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-leader', StateStoreLeader);
};
