/** The flows that are compared, each between output and input of the driver. */
import { responseTopic } from '../../src/protocol/topics';

const CORE_CLIENT = 'core-flow';
const TAB = { id: 'tab', type: 'tab', label: 'bench' };

/** `nodes`: this package's set and get; `sets` of the former on one store. Values are buffers, or `text`. */
export function ourNodes(port: number, { sets = 1, text = false } = {}): object[] {
  const common = { z: 'tab', store: 'store', outputs: 1, wires: [['driver']] };
  const ids = Array.from({ length: sets }, (_, index) => `set${index}`);
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', text, wires: [...ids.map((id) => [id]), ['get']] },
    ...ids.map((id) => ({
      ...{ ...common, id, type: 'statestore-set' },
      ...{ key: 'topic', keyType: 'msg', value: 'payload', valueType: 'msg', condition: '' },
      ...{ expiry: '', expiryType: 'num', expiryUnit: 's', fencingToken: '', fencingTokenType: 'msg' },
    })),
    {
      ...{ ...common, id: 'get', type: 'statestore-get' },
      ...{ key: 'topic', keyType: 'msg', property: 'payload', format: text ? 'auto-detect' : 'buffer' },
    },
    {
      id: 'store',
      type: 'statestore-config',
      ...{ host: '127.0.0.1', port, tls: false, login: 'none' },
    },
  ];
}

/** This package's set nodes on one store, each with a node of its own before it. */
export function manySets(port: number, sets: number): object[] {
  const [tab, driver, ...others] = ourNodes(port, { sets });
  const sources = Array.from({ length: sets }, (_none, index) => `source${index}`);
  return [
    tab as object,
    { ...driver, wires: [[], ['get']], sources },
    ...sources.map((id, index) => ({ id, type: 'bench-source', z: 'tab', wires: [[`set${index}`]] })),
    ...others,
  ];
}

/** The same with nodes that do nothing: what Node-RED itself takes. */
export function manyPasses(nodes: number): object[] {
  const sources = Array.from({ length: nodes }, (_none, index) => `source${index}`);
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', wires: [[], []], sources },
    ...sources.flatMap((id, index) => [
      { id, type: 'bench-source', z: 'tab', wires: [[`pass${index}`]] },
      { id: `pass${index}`, type: 'bench-pass', z: 'tab', wires: [['driver']] },
    ]),
  ];
}

/** `nodes`: this package's observe node. */
export function observeNode(port: number, keys: string[]): object[] {
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', first: keys.length, wires: [] },
    {
      ...{ id: 'observe', type: 'statestore-observe', z: 'tab', store: 'store', wires: [['driver']] },
      ...{ mode: 'fixed', keys: keys.join('\n'), format: 'auto', current: true, onlyChanges: false },
    },
    { id: 'store', type: 'statestore-config', ...{ host: '127.0.0.1', port, tls: false, login: 'none' } },
  ];
}

/** `floor-flow`: a node that has nothing but the socket of `floor`. */
export function floorObserver(port: number, keys: number): object[] {
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', first: 1, wires: [] },
    { id: 'floor', type: 'bench-floor', z: 'tab', port, keys, wires: [['driver']] },
  ];
}

/** `floor-flow`: one node for both that has nothing but the socket of `floor`. */
export function floorFlow(port: number): object[] {
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', wires: [['floor'], ['floor']] },
    { id: 'floor', type: 'bench-floor', z: 'tab', port, wires: [['driver']] },
  ];
}

/** One update node that counts on one key. */
export function updateNode(port: number): object[] {
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', wires: [['update'], []] },
    {
      ...{
        id: 'update',
        type: 'statestore-update',
        z: 'tab',
        store: 'store',
        outputs: 1,
        wires: [['driver']],
      },
      ...{ key: 'count', keyType: 'str', change: 'add', amount: '1', amountType: 'num', start: '' },
      ...{ startType: 'json', property: 'payload', expiry: '', expiryType: 'num', expiryUnit: 's' },
      ...{ lock: '', lockType: 'str', duration: '', timeout: '' },
    },
    { id: 'store', type: 'statestore-config', ...{ host: '127.0.0.1', port, tls: false, login: 'none' } },
  ];
}

/** `redis-nodes`: the command node of node-red-contrib-redis. Values are text, which costs it less than bytes do. */
export function redisFlow(port: number): object[] {
  const command = { type: 'redis-command', z: 'tab', server: 'redis-server', wires: [['driver']] };
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', text: true, wires: [['set'], ['get']] },
    { ...command, id: 'set', command: 'SET', topic: '', params: '[]', block: false },
    { ...command, id: 'get', command: 'GET', topic: '', params: '[]', block: false },
    {
      ...{ id: 'redis-server', type: 'redis-config', name: 'redis', cluster: false, optionsType: 'json' },
      options: JSON.stringify({ host: '127.0.0.1', port }),
    },
  ];
}

/** `core-flow`: Core's MQTT nodes, and function nodes that build the requests and read the answers. */
export function coreFlow(port: number): object[] {
  const build = { type: 'function', z: 'tab', outputs: 1, wires: [['out']] };
  return [
    TAB,
    { id: 'driver', type: 'bench-driver', z: 'tab', wires: [['set'], ['get']] },
    { ...build, id: 'set', func: `${BUILD}return request(['SET', msg.topic, msg.payload]);` },
    { ...build, id: 'get', func: `${BUILD}return request(['GET', msg.topic]);` },
    {
      id: 'out',
      type: 'mqtt out',
      z: 'tab',
      topic: '',
      qos: '1',
      retain: 'false',
      broker: 'broker',
      wires: [],
    },
    {
      ...{
        id: 'in',
        type: 'mqtt in',
        z: 'tab',
        topic: responseTopic(CORE_CLIENT),
        qos: '1',
        datatype: 'buffer',
      },
      ...{ broker: 'broker', nl: false, rap: false, rh: 0, inputs: 0, wires: [['read']] },
    },
    { id: 'read', type: 'function', z: 'tab', outputs: 1, func: READ, wires: [['driver']] },
    {
      id: 'broker',
      type: 'mqtt-broker',
      ...{ broker: '127.0.0.1', port: String(port), clientid: CORE_CLIENT, protocolVersion: '5' },
      ...{ autoConnect: true, keepalive: '60', cleansession: true, usetls: false, sessionExpiry: '' },
    },
  ];
}

/** A function node that turns the message into a request, and remembers the message until the answer. */
const BUILD = `
function request(items) {
  const parts = [Buffer.from('*' + items.length + '\\r\\n')];
  for (const item of items) {
    const bytes = Buffer.from(item);
    parts.push(Buffer.from('$' + bytes.length + '\\r\\n'), bytes, Buffer.from('\\r\\n'));
  }
  const id = RED.util.generateId();
  const pending = flow.get('pending') || new Map();
  pending.set(id, msg);
  flow.set('pending', pending);
  return {
    topic: 'statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8/command/invoke',
    payload: Buffer.concat(parts),
    responseTopic: '${responseTopic(CORE_CLIENT)}',
    correlationData: Buffer.from(id),
    messageExpiryInterval: 10,
    contentType: 'application/octet-stream',
    payloadFormatIndicator: false,
    userProperties: {
      __ts: String(Date.now()).padStart(15, '0') + ':00000:${CORE_CLIENT}',
      __srcId: '${CORE_CLIENT}',
      __protVer: '1.0',
      $partition: '${CORE_CLIENT}',
      $high_priority: '',
    },
  };
}
`;

/** A function node that reads an answer and goes on with the message that asked. */
const READ = `
const pending = flow.get('pending');
const id = msg.correlationData.toString();
const original = pending.get(id);
if (!original) return null;
pending.delete(id);
const answer = msg.payload;
const first = String.fromCharCode(answer[0]);
const line = answer.toString('latin1', 1, answer.indexOf('\\r\\n'));
if (first === '+') original.statestore = { stored: true };
else if (first === '$' && line !== '-1') {
  original.statestore = { found: true };
  original.payload = answer.subarray(line.length + 3, answer.length - 2);
} else original.statestore = { found: false };
return original;
`;
