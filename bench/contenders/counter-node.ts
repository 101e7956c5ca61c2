/** The end of a flow that observes keys, which counts what arrives, and the node of `floor-flow`: a raw socket that observes. */
import type { NodeAPI, NodeDef } from 'node-red';
import { Counter, observedKeys } from './counter';
import { openFloor } from './floor-socket';

interface CounterDef extends NodeDef {
  /** How many messages say that all keys are observed. */
  first: number;
}

interface FloorDef extends NodeDef {
  port: number;
  keys: number;
}

export = (RED: NodeAPI): void => {
  process.on('disconnect', () => process.exit());
  const counter = new Counter();
  RED.nodes.registerType('bench-driver', function (this, def: CounterDef) {
    RED.nodes.createNode(this, def);
    let { first } = def;
    this.on('input', (msg, _send, done) => {
      done();
      if (first === 0) counter.seen(msg.payload as string);
      else if (--first === 0) counter.serve();
    });
  });
  RED.nodes.registerType('bench-floor', function (this, def: FloorDef) {
    RED.nodes.createNode(this, def);
    const { port, keys } = def;
    void openFloor(port).then(async (floor) => {
      await floor.observe(observedKeys('floor-flow', keys), (key, value, version) =>
        this.send({
          ...{ topic: key, payload: value.toString() },
          statestore: { operation: 'set', key, version },
        } as never),
      );
      this.send({});
    });
  });
};
