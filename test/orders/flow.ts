/** A flow that takes orders from a list with an update node, and writes down what became of each message. */
import { readFileSync } from 'node:fs';

/** What a flow wrote down. */
export interface Log {
  /** Messages that were sent to the update node. */
  asked: number;
  /** Numbers of the orders that left by the first output, in this order. */
  taken: number[];
  /** Messages that left by the second output: there was no order. */
  empty: number;
  /** How many ended with an error, by its code. */
  failed: Record<string, number>;
}

export interface TakingFlow {
  /** Port of the broker. */
  port: number;
  key: string;
  /** Messages in flight at a time. */
  inFlight: number;
  /** Seconds of the lease of the lock. */
  lease: number;
  /** File that gets a line for each step, before the next step. */
  log: string;
}

/** Milliseconds until a flow that found no order asks again. */
const PAUSE_MS = 20;

/** The nodes of one tab. As many messages as allowed are in flight, for as long as Node-RED runs. */
export function takingFlow({ port, key, inFlight, lease, log }: TakingFlow): object[] {
  const libs = [{ var: 'fs', module: 'fs' }];
  const write = `const write = (line) => fs.appendFileSync(${JSON.stringify(log)}, line + '\\n');`;
  const node = (id: string, type: string, wires: string[][], more: object) => ({
    ...{ id, type, z: 'tab', name: id, x: 200, y: 100, wires },
    ...more,
  });
  const func = (id: string, wires: string[], code: string) =>
    node(id, 'function', [wires], { func: `${write}\n${code}`, outputs: 1, libs });
  return [
    { id: 'tab', type: 'tab', label: 'Orders' },
    { id: 'store', type: 'statestore-config', name: '', host: '127.0.0.1', port: String(port) },
    node('start', 'inject', [['first']], { once: true, onceDelay: '0.1', repeat: '', props: [] }),
    func('first', ['ask'], `for (let n = 0; n < ${inFlight}; n++) node.send({});`),
    func('ask', ['take'], `write('asked'); return {};`),
    node('take', 'statestore-update', [['taken'], ['empty']], {
      ...{ store: 'store', key, keyType: 'str', change: 'take', property: 'payload', propertyType: 'msg' },
      ...{ expiry: '', expiryType: 'num', expiryUnit: 's', outputs: 2, lock: '', lockType: 'str' },
      ...{ duration: String(lease), timeout: '' },
    }),
    func('taken', ['ask'], `write('taken ' + msg.payload.number); return {};`),
    func('empty', ['ask'], `write('empty'); setTimeout(() => node.send({}), ${PAUSE_MS});`),
    node('catch', 'catch', [['failed']], { scope: ['take'], uncaught: false }),
    func(
      'failed',
      ['ask'],
      `write('failed ' + msg.error.code); setTimeout(() => node.send({}), ${PAUSE_MS});`,
    ),
  ];
}

/** What is in the log of a flow, which may not exist yet. */
export function readLog(file: string): Log {
  const log: Log = { asked: 0, taken: [], empty: 0, failed: {} };
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
    else if (step === 'failed') log.failed[detail] = (log.failed[detail] ?? 0) + 1;
  }
  return log;
}

/** Messages that have an outcome. */
export function settledIn({ taken, empty, failed }: Log): number {
  return taken.length + empty + Object.values(failed).reduce((sum, count) => sum + count, 0);
}
