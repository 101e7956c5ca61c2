/** A node that reports the cost of a start of Node-RED, and the memory after a message has gone through the flow, if there is one. */
import type { NodeAPI, NodeDef } from 'node-red';
import type { Start } from '../start';

const MB = 2 ** 20;

export = (RED: NodeAPI): void => {
  let sendFirst: (() => void) | undefined;
  let start: Pick<Start, 'ms' | 'cpu'>;

  const tell = (): void => {
    if (!global.gc) throw new Error('run with node --expose-gc');
    global.gc();
    global.gc();
    const { heapUsed, external, rss } = process.memoryUsage();
    process.send?.({ ...start, heap: (heapUsed + external) / MB, rss: rss / MB } satisfies Start);
  };

  RED.nodes.registerType('bench-driver', function (this, def: NodeDef) {
    RED.nodes.createNode(this, def);
    sendFirst = () => this.send([{ topic: 'bench/0', payload: 'first' }]);
    this.on('input', (_msg, _send, done) => {
      done();
      tell();
    });
  });
  RED.events.once('flows:started', () => {
    const { user, system } = process.cpuUsage();
    start = { ms: performance.now(), cpu: (user + system) / 1000 };
    if (sendFirst) sendFirst();
    else setImmediate(tell);
  });
  process.on('disconnect', () => process.exit());
};
