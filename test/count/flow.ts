/** A flow that counts messages with an update node, and records the outcome of each. */
import { readFileSync } from 'node:fs';
import { parseHlc } from '../../src/protocol/hlc';

/** What a flow wrote down of its messages. A message that was in the process when it was killed has no fate. */
export interface Fates {
  sent: number;
  /** The new values that left by the output, each with a message, and when the store set them by its clock. */
  counted: Counted[];
  /** How many ended with an error, by its code. */
  failed: Record<string, number>;
  /** Whether all messages are sent and have a fate, as far as they did not die. */
  ended: boolean;
}

export interface Counted {
  value: number;
  /** Milliseconds since 1970. NaN if the message had no version. */
  at: number;
}

export interface CountingFlow {
  /** Starts the IDs of its nodes. */
  id: string;
  /** Port of the broker. */
  port: number;
  key: string;
  messages: number;
  /** Messages in flight at a time. */
  inFlight: number;
  /** Seconds of the lease of the lock. */
  lease: number;
  /** File that gets the fates, line by line, before the next message goes out. */
  log: string;
}

/** Three times the shortest lease. */
const MAX_BLOCK_MS = 3000;
const BURST = 10_000;

/** The nodes of one tab. The driver sends the next message when one is counted or failed; after a restart it goes on where it was. */
export function countingFlow({ id, port, key, messages, inFlight, lease, log }: CountingFlow): object[] {
  const libs = [{ var: 'fs', module: 'fs' }];
  const write = `const write = (line) => fs.appendFileSync(${JSON.stringify(log)}, line + '\\n');`;
  const node = (name: string, type: string, wires: string[], more: object) => ({
    ...{ id: `${id}-${name}`, type, z: id, name, x: 200, y: 100 },
    ...{ wires: [wires.map((to) => `${id}-${to}`)] },
    ...more,
  });
  const func = (name: string, wires: string[], code: string) =>
    node(name, 'function', wires, { func: `${write}\n${code}`, outputs: 1, libs });
  return [
    { id, type: 'tab', label: id },
    { id: `${id}-store`, type: 'statestore-config', name: '', host: '127.0.0.1', port: String(port) },
    node('start', 'inject', ['driver'], { once: true, onceDelay: '0.1', repeat: '', props: [] }),
    func(
      'driver',
      ['update'],
      `let state = context.get('state');
       if (!state) {
         const lines = fs.existsSync(${JSON.stringify(log)}) ? fs.readFileSync(${JSON.stringify(log)}, 'utf8').split('\\n') : [];
         state = { sent: lines.filter((line) => line.startsWith('sent')).length, inFlight: 0 };
         context.set('state', state);
       }
       if (msg.settled) state.inFlight--;
       while (state.inFlight < ${inFlight} && state.sent < ${messages}) {
         state.inFlight++;
         write('sent ' + ++state.sent);
         node.send({ payload: state.sent });
       }
       if (state.inFlight === 0) write('ended');`,
    ),
    node('update', 'statestore-update', ['counted'], {
      ...{ store: `${id}-store`, key, keyType: 'str', change: 'add', amount: '1', amountType: 'num' },
      ...{ start: '', startType: 'json', property: 'payload', propertyType: 'msg', expiry: '', outputs: 1 },
      ...{
        expiryType: 'num',
        expiryUnit: 's',
        lock: '',
        lockType: 'str',
        duration: String(lease),
        timeout: '',
      },
    }),
    func(
      'counted',
      ['driver'],
      `write('counted ' + msg.payload + ' ' + msg.statestore.version); return { settled: true };`,
    ),
    node('catch', 'catch', ['failed'], { scope: [`${id}-update`], uncaught: false }),
    func('failed', ['driver'], `write('failed ' + msg.error.code); return { settled: true };`),
  ];
}

/** Nodes that make trouble for the Node-RED in which they are: inject nodes with the IDs `ID-block` and `ID-burst`. */
export function troubleFlow({ id, store }: { id: string; store: string }): object[] {
  const node = (name: string, type: string, wires: string[], more: object) => ({
    ...{ id: `${id}-${name}`, type, z: id, name, x: 200, y: 100 },
    ...{ wires: [wires.map((to) => `${id}-${to}`)] },
    ...more,
  });
  const inject = (name: string, to: string) =>
    node(name, 'inject', [to], { once: false, repeat: '', props: [] });
  const func = (name: string, wires: string[], code: string) =>
    node(name, 'function', wires, { func: code, outputs: 1 });
  return [
    { id, type: 'tab', label: id },
    inject('block', 'blocking'),
    func(
      'blocking',
      [],
      `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${MAX_BLOCK_MS} * Math.random());`,
    ),
    inject('burst', 'bursting'),
    func(
      'bursting',
      ['set'],
      `for (let i = 0; i < ${BURST}; i++) node.send({ payload: i, key: 'burst/' + i % 100 });`,
    ),
    node('set', 'statestore-set', [], {
      ...{ store, key: 'key', keyType: 'msg', value: 'payload', valueType: 'msg', condition: '' },
      ...{ expiry: '', expiryType: 'num', expiryUnit: 's', outputs: 1 },
    }),
    node('catch', 'catch', [], { scope: [`${id}-set`], uncaught: false }),
  ];
}

/** What is in the log of a flow. */
export function readFates(log: string): Fates {
  const fates: Fates = { sent: 0, counted: [], failed: {}, ended: false };
  let text = '';
  try {
    text = readFileSync(log, 'utf8');
  } catch {
    // Nothing was sent yet.
  }
  for (const line of text.split('\n')) {
    const [what, detail = '', version = ''] = line.split(' ');
    if (what === 'sent') fates.sent++;
    else if (what === 'counted')
      fates.counted.push({ value: Number(detail), at: parseHlc(version)?.wallClockMs ?? Number.NaN });
    else if (what === 'failed') fates.failed[detail] = (fates.failed[detail] ?? 0) + 1;
    fates.ended = what === 'ended' || (fates.ended && what === '');
  }
  return fates;
}
