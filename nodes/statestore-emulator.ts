/** A state store on this machine, for trying, teaching and testing. */
import type { Node, NodeAPI } from 'node-red';
import type * as behaviour from '../src/node-red/behaviour/emulator-node';

/** Loaded with the first node of this type. */
const load = (): typeof behaviour => require('../src/node-red/behaviour/emulator-node');

export = (RED: NodeAPI): void => {
  function StateStoreEmulator(this: Node, def: behaviour.EmulatorNodeDef): void {
    RED.nodes.createNode(this, def);
    load().makeEmulatorNode(RED, this, def);
  }
  RED.nodes.registerType('statestore-emulator', StateStoreEmulator);
};
