/** Forty full deploys of a flow with every node: nothing is left behind of the nodes that were replaced. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { Emulator } from '../../src/emulator/index';
import { DEFAULTS } from '../support/flow';
import { NodeRed } from '../support/node-red';

const DEPLOYS = 40;
/** Deploys before the first measurement: caches are filled, and code is compiled. */
const WARM_UP = 40;
/** Bytes of one deploy that may be left in the heap. A store with its client has 200 kB. */
const MAX_GROWTH = 60_000;
const MAX_TRIES = 60;
const PAUSE_MS = 500;

/** What a function node can read of the process of Node-RED. */
const GAUGE = `{
  gauge: () => {
    require('node:v8').setFlagsFromString('--expose-gc');
    const collect = require('node:vm').runInNewContext('gc');
    const { events } = require.main.require('@node-red/util');
    const count = (emitter) => emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
    for (let i = 0; i < 4; i++) collect();
    return {
      heap: process.memoryUsage().heapUsed,
      listeners: count(events) + count(process),
      sockets: process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length,
    };
  },
}`;

interface Gauge {
  heap: number;
  listeners: number;
  sockets: number;
}

describe('A real Node-RED, deployed forty times', () => {
  let emulator: Emulator;
  let nodeRed: NodeRed;

  before(async () => {
    emulator = await Emulator.start({ port: 0 });
    nodeRed = await NodeRed.start({ functionGlobalContext: GAUGE });
  });
  after(async () => {
    await nodeRed?.stop();
    await emulator?.close();
  });

  const flow = (version: number): object[] => {
    const at = { z: 'tab', x: 100, y: 100, wires: [[]] };
    const node = (name: string, more: object = {}) => {
      const type = `statestore-${name}`;
      const usual = DEFAULTS[type];
      return {
        ...usual,
        ...at,
        id: name,
        type,
        store: 'store',
        key: `${name}${version}`,
        keyType: 'str',
        ...more,
      };
    };
    return [
      { id: 'tab', type: 'tab', label: `version ${version}` },
      { id: 'store', type: 'statestore-config', host: '127.0.0.1', port: emulator.port },
      node('set', { valueType: 'msg', value: 'payload', outputs: 1 }),
      node('get', { property: 'payload', propertyType: 'msg', outputs: 1 }),
      node('delete', { outputs: 1 }),
      node('update'),
      node('observe', {
        keys: 'set',
        mode: 'fixed',
        current: true,
        format: 'auto-detect',
        inputs: 0,
        outputs: 1,
      }),
      node('leader', { role: 'role', lease: '10', outputs: 1 }),
      node('lock', { key: 'lock', wait: '10', limit: '60', lease: '10', outputs: 2 }),
      node('unlock'),
      { ...at, id: 'in', type: 'http in', url: '/gauge', method: 'get', wires: [['code']] },
      {
        ...{ ...at, id: 'code', type: 'function', outputs: 1, wires: [['out']] },
        func: `msg.payload = global.get('gauge')(); return msg;`,
      },
      { ...at, id: 'out', type: 'http response', wires: [] },
    ];
  };
  const gauge = async (): Promise<Gauge> => (await fetch(`${nodeRed.base}/gauge`)).json() as Promise<Gauge>;
  /** Deploys, and resolves when the new nodes are connected. */
  const deploy = async (version: number) => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(flow(version));
    await nodeRed.lines.find(/Connected to the state store/, after);
    await nodeRed.lines.find(/Active for the role role/, after);
  };

  it('has as many listeners and connections as before, and no larger heap', async () => {
    for (let version = 0; version < WARM_UP; version++) await deploy(version);
    const before = await gauge();
    for (let version = 0; version < DEPLOYS; version++) await deploy(version);
    let after = await gauge();
    const growthOf = ({ heap }: Gauge) => (heap - before.heap) / DEPLOYS;
    // Timers of closed clients end within seconds. A leak stays.
    for (let tries = 0; growthOf(after) >= MAX_GROWTH && tries < MAX_TRIES; tries++) {
      await setTimeout(PAUSE_MS);
      after = await gauge();
    }
    const growth = growthOf(after);
    console.log(`        ${(growth / 1000).toFixed(1)} kB of heap a deploy, ${after.listeners} listeners`);
    assert.equal(after.listeners, before.listeners);
    assert.ok(after.sockets <= before.sockets + 1, `${before.sockets} sockets, then ${after.sockets}`);
    assert.equal(emulator.clients, 1);
    assert.ok(growth < MAX_GROWTH, `the heap grows by ${growth} bytes with each deploy`);
  });
});
