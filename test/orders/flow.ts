/**
 * Two flows that take orders from lists, and record the outcome of each message. The first flow removes an order when it takes it. The second
 * flow takes orders for names, and an order stays in the list until it is finished.
 */
import { readFileSync } from 'node:fs';

/** What a flow wrote down. */
export interface Log {
  /** Messages that were sent to the update node. */
  asked: number;
  /** Numbers of the orders that were processed, in this order. */
  taken: number[];
  /** Messages for which there was no order. */
  empty: number;
  /** How many ended with an error, by its code. */
  failed: Record<string, number>;
  /** Orders that a name got again, by reason: its process was killed before the order was finished, or no such reason. */
  again: { killed: number[]; unexplained: number[] };
}

export interface OrdersFlow {
  /** Starts the IDs of its nodes. */
  id: string;
  /** Starts the names for which orders are taken. */
  instance: number;
  /** Port of the broker. */
  port: number;
  key: string;
  /** Messages in flight at a time. In the second flow each has a name. */
  inFlight: number;
  /** Seconds of the lease of a lock. */
  lease: number;
  /** File that gets a line for each step, before the next step. */
  log: string;
}

/** Milliseconds until a flow that found no order asks again. */
const PAUSE_MS = 20;

const UPDATE = {
  ...{ keyType: 'str', property: 'payload', propertyType: 'msg', lock: '', lockType: 'str', timeout: '' },
  ...{ expiry: '', expiryType: 'num', expiryUnit: 's', fencingToken: '', fencingTokenType: 'msg' },
};

/** The nodes of one tab. As many messages as allowed are in flight, for as long as Node-RED runs. */
export function takingFlow(flow: OrdersFlow): object[] {
  const { node, func, common } = nodesOf(flow);
  return [
    ...common('take'),
    node('take', 'statestore-update', [['taken'], ['empty']], {
      ...{ ...UPDATE, key: flow.key, change: 'take', outputs: 2, duration: String(flow.lease) },
    }),
    func('taken', ['ask'], `write('taken ' + msg.payload.number); return {};`),
    node('catch', 'catch', [['failed']], { scope: [`${flow.id}-take`], uncaught: false }),
    func(
      'failed',
      ['ask'],
      `write('failed ' + msg.error.code); setTimeout(() => node.send({}), ${PAUSE_MS});`,
    ),
  ];
}

/** The same, but an order stays in the list until it is finished. Its name gets it again after a kill. */
export function keepingFlow(flow: OrdersFlow): object[] {
  const { node, func, common } = nodesOf(flow);
  const { id, key, lease } = flow;
  const update = { ...UPDATE, key, taker: 'topic', takerType: 'msg', outputs: 2, duration: String(lease) };
  const caught = (step: string, next: string) => [
    node(`catch-${step}`, 'catch', [[`after-${step}`]], { scope: [`${id}-${step}`], uncaught: false }),
    func(
      `after-${step}`,
      [next],
      `write('failed ' + msg.error.code); setTimeout(() => node.send(msg), ${PAUSE_MS});`,
    ),
  ];
  return [
    ...common('take'),
    node('take', 'statestore-update', [['taken'], ['empty']], { ...update, change: 'take' }),
    func('taken', ['finish'], `write('taken ' + msg.payload.number + ' ' + msg.topic); return msg;`),
    // By the second output if an attempt of unknown outcome was applied.
    node('finish', 'statestore-update', [['finished'], ['finished']], { ...update, change: 'finish' }),
    func('finished', ['ask'], `write('finished ' + msg.topic); return msg;`),
    ...caught('take', 'ask'),
    ...caught('finish', 'finish'),
  ];
}

const LIBS = [{ var: 'fs', module: 'fs' }];

function writeTo(log: string): string {
  return `const write = (line) => fs.appendFileSync(${JSON.stringify(log)}, line + '\\n');`;
}

/** Makers of nodes, and the nodes that both flows have. */
function nodesOf({ id, instance, port, inFlight, log }: OrdersFlow) {
  const node = (name: string, type: string, wires: string[][], more: object) => ({
    ...{ id: `${id}-${name}`, type, z: id, name, x: 200, y: 100, store: `${id}-store` },
    ...{ wires: wires.map((output) => output.map((to) => `${id}-${to}`)) },
    ...more,
  });
  const func = (name: string, wires: string[], code: string) =>
    node(name, 'function', [wires], { func: `${writeTo(log)}\n${code}`, outputs: 1, libs: LIBS });
  const common = (first: string) => [
    { id, type: 'tab', label: id },
    { id: `${id}-store`, type: 'statestore-config', name: '', host: '127.0.0.1', port: String(port) },
    node('start', 'inject', [['first']], { once: true, onceDelay: '0.1', repeat: '', props: [] }),
    func('first', ['ask'], `for (let n = 0; n < ${inFlight}; n++) node.send({ topic: '${instance}/' + n });`),
    func('ask', [first], `write('asked'); return { topic: msg.topic };`),
    func('empty', ['ask'], `write('empty'); setTimeout(() => node.send(msg), ${PAUSE_MS});`),
  ];
  return { node, func, common };
}

/** What is in the log of a flow, which may not exist yet. */
export function readLog(file: string): Log {
  const log: Log = { asked: 0, taken: [], empty: 0, failed: {}, again: { killed: [], unexplained: [] } };
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Nothing was asked yet.
  }
  /** The order that each name has, and the order that it had when the process was killed. */
  const open = new Map<string, number>();
  const interrupted = new Map<string, number>();
  const seen = new Set<number>();
  for (const line of text.split('\n')) {
    const [step, detail = '', name = ''] = line.split(' ');
    if (step === 'asked') log.asked++;
    else if (step === 'empty') log.empty++;
    else if (step === 'failed') log.failed[detail] = (log.failed[detail] ?? 0) + 1;
    else if (step === 'finished') open.delete(detail);
    else if (step === 'killed') {
      for (const [who, order] of open) interrupted.set(who, order);
      open.clear();
    } else if (step === 'taken') {
      const order = Number(detail);
      if (!seen.has(order)) log.taken.push(order);
      else if (interrupted.get(name) === order) log.again.killed.push(order);
      else log.again.unexplained.push(order);
      seen.add(order);
      open.set(name, order);
      interrupted.delete(name);
    }
  }
  return log;
}

/** Messages that have an outcome. */
export function settledIn({ taken, empty, failed }: Log): number {
  return taken.length + empty + Object.values(failed).reduce((sum, count) => sum + count, 0);
}
