/**
 * The node that drives a flow: a GET leaves by the last output, a SET by one of the others, in turns, and the flow ends at
 * its input.
 * It is the same in all flows that are compared, so what it costs is in all figures.
 */
import type { NodeAPI, NodeDef, NodeMessageInFlow } from 'node-red';
import type { Contender, Operation } from '../measure';
import { registerFloor } from './floor-node';
import { serve } from './serve';

type Driven = NodeMessageInFlow & {
  bench: { operation: Operation; size: number; done: (right: boolean) => void };
  statestore?: { stored?: boolean; updated?: boolean; found?: boolean };
};

interface DriverDef extends NodeDef {
  wires: string[][];
  /** Whether values are text, and not bytes. */
  text?: boolean;
  /** IDs of nodes that send a SET in its place, in turns: an output for each would cost more the more there are. */
  sources?: string[];
}

/** Whether the flow did what it was asked to. Nodes for Redis leave the answer itself. */
function isRight({ statestore, payload, bench }: Driven): boolean {
  const done = statestore ? (statestore.stored ?? statestore.updated) : payload === 'OK';
  if (bench.operation === 'SET') return done === true;
  return statestore?.found !== false && (payload as Buffer | string | null)?.length === bench.size;
}

let lastValue: Buffer | undefined;
let lastText = '';

/** All requests of a job have the same value. */
function textOf(value: Buffer): string {
  if (value !== lastValue) lastText = value.toString('latin1');
  lastValue = value;
  return lastText;
}

export = (RED: NodeAPI): void => {
  // Also where the flow never answers.
  process.on('disconnect', () => process.exit());
  registerFloor(RED);
  RED.nodes.registerType('bench-source', function (this, def: NodeDef) {
    RED.nodes.createNode(this, def);
  });
  RED.nodes.registerType('bench-pass', function (this, def: NodeDef) {
    RED.nodes.createNode(this, def);
    this.on('input', (msg, send, done) => {
      setImmediate(() => {
        (msg as Driven).statestore = { stored: true };
        send(msg);
        done();
      });
    });
  });
  RED.nodes.registerType('bench-driver', function (this, def: DriverDef) {
    RED.nodes.createNode(this, def);
    const sets = def.wires.length - 1;
    const { sources } = def;
    let turn = 0;
    const contender: Contender = {
      request: (operation, key, value, done) => {
        const isSet = operation === 'SET';
        const payload = isSet ? (def.text ? textOf(value) : value) : undefined;
        const msg = { topic: key, payload, bench: { operation, size: value.length, done } };
        if (isSet && sources) {
          RED.nodes.getNode(sources[turn++ % sources.length] as string)?.send(msg);
          return;
        }
        const output = isSet ? turn++ % sets : sets;
        const outputs = new Array(output).fill(null);
        outputs.push(msg);
        this.send(outputs);
      },
    };
    this.on('input', (msg, _send, done) => {
      done();
      (msg as Driven).bench.done(isRight(msg as Driven));
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
