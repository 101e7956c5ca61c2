/**
 * Two flows that take orders from lists, and record the outcome of each message. One takes an order and then processes it. The second flow
 * processes the first order under a lock, and then removes it.
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
  /** Orders that were processed, but could not be removed. */
  kept: number;
}

export interface OrdersFlow {
  /** Starts the IDs of its nodes. */
  id: string;
  /** Port of the broker. */
  port: number;
  key: string;
  /** Messages in flight at a time. */
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

/** The same, but an order stays in the list until it was processed. It is removed by its number. */
export function processingFlow(flow: OrdersFlow): object[] {
  const { node, func, common } = nodesOf(flow);
  const { id, key, lease } = flow;
  const caught = (step: string, word: string, next: string) => [
    node(`catch-${step}`, 'catch', [[`after-${step}`]], { scope: [`${id}-${step}`], uncaught: false }),
    func(
      `after-${step}`,
      [next],
      `write('${word} ' + msg.error.code); setTimeout(() => node.send(msg), ${PAUSE_MS});`,
    ),
  ];
  return [
    ...common('lock'),
    node('lock', 'statestore-lock', [['get'], ['empty']], {
      ...{ key: `${key}/turn`, keyType: 'str', wait: '10', limit: '2', lease: String(lease), outputs: 2 },
    }),
    node('get', 'statestore-get', [['process'], ['nothing']], {
      ...{ key, keyType: 'str', property: 'payload', propertyType: 'msg', format: 'auto-detect', outputs: 2 },
    }),
    node('process', 'function', [['remove'], ['nothing']], {
      ...{ outputs: 2, libs: LIBS },
      func: `${writeTo(flow.log)}
       const [order] = msg.payload;
       if (!order) return [null, msg];
       write('taken ' + order.number);
       msg.payload = order;
       return [msg, null];`,
    }),
    node('remove', 'statestore-update', [['unlock']], {
      ...{ ...UPDATE, key, change: 'expression', outputs: 1, duration: String(lease) },
      expression: '($number := payload.number; [$value[number != $number]])',
    }),
    func('nothing', ['unlock'], `msg.nothing = true; return msg;`),
    node('unlock', 'statestore-unlock', [['next']], {}),
    node('next', 'switch', [['empty'], ['ask']], {
      ...{ property: 'nothing', propertyType: 'msg', rules: [{ t: 'true' }, { t: 'else' }], outputs: 2 },
    }),
    caught('lock', 'failed', 'ask'),
    caught('get', 'failed', 'unlock'),
    // The order was processed and stays in the list, so it is processed again.
    caught('remove', 'kept', 'unlock'),
    caught('unlock', 'held', 'ask'),
  ].flat();
}

const LIBS = [{ var: 'fs', module: 'fs' }];

function writeTo(log: string): string {
  return `const write = (line) => fs.appendFileSync(${JSON.stringify(log)}, line + '\\n');`;
}

/** Makers of nodes, and the nodes that both flows have. */
function nodesOf({ id, port, inFlight, log }: OrdersFlow) {
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
    func('first', ['ask'], `for (let n = 0; n < ${inFlight}; n++) node.send({});`),
    func('ask', [first], `write('asked'); return {};`),
    func('empty', ['ask'], `write('empty'); setTimeout(() => node.send({}), ${PAUSE_MS});`),
  ];
  return { node, func, common };
}

/** What is in the log of a flow, which may not exist yet. */
export function readLog(file: string): Log {
  const log: Log = { asked: 0, taken: [], empty: 0, failed: {}, kept: 0 };
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // Nothing was asked yet.
  }
  for (const line of text.split('\n')) {
    const [step, detail = ''] = line.split(' ');
    if (step === 'asked') log.asked++;
    else if (step === 'empty') log.empty++;
    else if (step === 'taken') log.taken.push(Number(detail));
    else if (step === 'kept') log.kept++;
    else if (step === 'failed') log.failed[detail] = (log.failed[detail] ?? 0) + 1;
  }
  return log;
}

/** Messages that have an outcome. */
export function settledIn({ taken, empty, failed }: Log): number {
  return taken.length + empty + Object.values(failed).reduce((sum, count) => sum + count, 0);
}
