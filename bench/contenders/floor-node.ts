/** The node of `floor-flow`: each message goes out by the raw socket of `floor`, and on when its answer is there. */
import type { NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Contender, Operation } from '../measure';
import { openFloor } from './floor-socket';

type Driven = NodeMessageInFlow & { bench: { operation: Operation; size: number }; statestore?: object };

export function registerFloor(RED: NodeAPI): void {
  RED.nodes.registerType('bench-floor', function (this, def: NodeDef & { port: number }) {
    RED.nodes.createNode(this, def);
    let floor: Contender | undefined;
    let value = Buffer.alloc(0);
    void openFloor(def.port).then((opened) => {
      floor = opened;
    });
    this.on('input', (msg, send, done) => {
      const driven = msg as Driven;
      const { operation, size } = driven.bench;
      if (value.length !== size) value = Buffer.alloc(size, 'x');
      floor?.request(operation, driven.topic as string, value, (right) => {
        driven.statestore = { stored: right, found: right };
        driven.payload = value;
        send(driven);
        done();
      });
    });
  });
}
