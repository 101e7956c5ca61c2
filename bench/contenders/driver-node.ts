/**
 * The node that drives a flow: a GET leaves by the last output, a SET by one of the others, in turns, and the flow ends at
 * its input.
 * It is the same in both flows that are compared, so what it costs is in both figures.
 */
import type { NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Contender } from '../measure';
import { serve } from './serve';

type Driven = NodeMessageInFlow & {
  bench: { size: number; done: (right: boolean) => void };
  statestore?: { stored?: boolean; updated?: boolean; found?: boolean };
};

export = (RED: NodeAPI): void => {
  RED.nodes.registerType('bench-driver', function (this, def: NodeDef & { wires: string[][] }) {
    RED.nodes.createNode(this, def);
    const sets = def.wires.length - 1;
    let turn = 0;
    const contender: Contender = {
      request: (operation, key, value, done) => {
        const isSet = operation === 'SET';
        const msg = { topic: key, payload: isSet ? value : undefined, bench: { size: value.length, done } };
        const output = isSet ? turn++ % sets : sets;
        const outputs = new Array(output).fill(null);
        outputs.push(msg);
        this.send(outputs);
      },
    };
    this.on('input', (msg, _send, done) => {
      const { statestore, payload, bench } = msg as Driven;
      const right =
        statestore?.stored ??
        statestore?.updated ??
        (statestore?.found && (payload as Buffer).length === bench.size);
      done();
      bench.done(right === true);
    });
    RED.events.once('flows:started', () => serveOnceAnswered(contender));
  });
};

/** Core's MQTT nodes drop what comes before they are connected: ask until there is an answer. */
function serveOnceAnswered(contender: Contender): void {
  let answered = false;
  const timer = setInterval(() => {
    contender.request('SET', 'bench/0', Buffer.alloc(1), () => {
      clearInterval(timer);
      if (!answered) serve(contender);
      answered = true;
    });
  }, 200);
}
