/** Two Node-RED instances with everything that the dashboard shows, and what happens to them in the five minutes of its picture. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Emulator } from '../../src/emulator';
import { NodeRed } from '../support/node-red';
import { freePort } from '../support/ports';
import { type SatBroker, startSatBroker } from '../support/sat-broker';
import { Prometheus } from './prometheus';

/** As docs/operate.md names them for Prometheus. */
const INSTANCES = ['node-red-0:1882', 'node-red-1:1882'] as const;
const SCRAPE_INTERVAL_MS = 2000;
/** Grafana's default: four scrapes. */
export const RATE_INTERVAL_SECONDS = 8;
/** What happens, and after how many seconds. */
const EVENTS = { busy: 40, restart: 110, large: 160, away: 200, back: 212, end: 290 };
const BUSY = { durationMs: 45_000, share: 0.15 };

export class Site {
  readonly prometheus: Prometheus;
  readonly #directory: string;
  readonly #port: number;
  readonly #sat: SatBroker;
  readonly #nodeReds: NodeRed[];
  #emulator: Emulator;

  private constructor(
    directory: string,
    emulator: Emulator,
    sat: SatBroker,
    nodeReds: NodeRed[],
    prometheus: Prometheus,
  ) {
    this.#directory = directory;
    this.#emulator = emulator;
    this.#port = emulator.port;
    this.#sat = sat;
    this.#nodeReds = nodeReds;
    this.prometheus = prometheus;
  }

  static async start(): Promise<Site> {
    const directory = mkdtempSync(join(tmpdir(), 'site-'));
    const inAnHour = Math.floor(Date.now() / 1000) + 3600;
    const token = `head.${Buffer.from(JSON.stringify({ exp: inAnHour })).toString('base64url')}.signature`;
    writeFileSync(join(directory, 'token'), token);
    const emulator = await Emulator.start({ port: await freePort(), file: join(directory, 'store') });
    const sat = await startSatBroker(emulator.port, token);
    const nodeReds: NodeRed[] = [];
    for (const _ of INSTANCES) {
      nodeReds.push(await NodeRed.start({ contextStorage: contextStorage(emulator.port) }));
    }
    const scraped = nodeReds.map(({ base }, i) => ({ instance: INSTANCES[i] as string, base }));
    const prometheus = await Prometheus.start(scraped, SCRAPE_INTERVAL_MS);
    for (const nodeRed of nodeReds) await nodeRed.deploy(flows(sat.port, join(directory, 'token')));
    return new Site(directory, emulator, sat, nodeReds, prometheus);
  }

  /** The five minutes. The first instance started first, so it is active until its restart. */
  async run(): Promise<void> {
    const began = Date.now();
    const at = (seconds: number) => pause(began + seconds * 1000 - Date.now());
    const [first] = this.#nodeReds;
    await at(EVENTS.busy);
    this.#emulator.rejectPublishes(BUSY);
    await at(EVENTS.restart);
    await first?.end('SIGTERM');
    await first?.again();
    await at(EVENTS.large);
    for (const nodeRed of this.#nodeReds) await nodeRed.inject('start');
    await at(EVENTS.away);
    await this.#emulator.close();
    await at(EVENTS.back);
    this.#emulator = await Emulator.start({ port: this.#port, file: join(this.#directory, 'store') });
    await at(EVENTS.end);
  }

  async stop(): Promise<void> {
    await this.prometheus.stop();
    for (const nodeRed of this.#nodeReds) await nodeRed.stop();
    await this.#sat.close();
    await this.#emulator.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function contextStorage(port: number): string {
  return `{
    default: 'memory',
    memory: { module: 'memory' },
    shared: {
      module: require('@edgestate/node-red-statestore/context'),
      config: { host: '127.0.0.1', port: ${port} },
    },
  }`;
}

function flows(port: number, tokenFile: string): object[] {
  const node = (id: string, type: string, more: object) => ({ id, type, z: 'tab', wires: [[]], ...more });
  const onStore = (id: string, type: string, key: string, more: object = {}) =>
    node(id, `statestore-${type}`, { store: 'plant', key, keyType: 'str', ...more });
  const every = (id: string, seconds: number, wires: string[]) =>
    node(id, 'inject', { once: true, onceDelay: '0.2', repeat: String(seconds), props: [], wires: [wires] });
  const code = (id: string, func: string, wires: string[] = []) =>
    node(id, 'function', { outputs: 1, func, wires: [wires] });
  return [
    { id: 'tab', type: 'tab', label: 'Line 1' },
    {
      ...{ id: 'plant', type: 'statestore-config', name: 'Plant', host: '127.0.0.1', port: String(port) },
      ...{ login: 'token', tokenFile, timeout: '4' },
    },
    every('tick', 0.2, ['wave', 'context']),
    code('wave', WAVE, ['set', 'get', 'add']),
    onStore('set', 'set', 'line/speed', { value: 'payload', valueType: 'msg' }),
    onStore('get', 'get', 'line/speed'),
    onStore('add', 'update', 'line/count', { change: 'add', amount: '1', amountType: 'num' }),
    code('context', `for (let n = 0; n < 5; n++) global.set('reading' + n, Date.now(), 'shared');`),
    // Updates change this key, so the store refuses a set.
    every('sometimes', 1, ['wrong']),
    onStore('wrong', 'set', 'line/count', { value: '0', valueType: 'num' }),
    node('observe', 'statestore-observe', {
      ...{
        store: 'plant',
        mode: 'fixed',
        keys: 'line/speed\nline/count\nline/recipe',
        format: 'auto-detect',
      },
      ...{ current: true, onlyChanges: true },
    }),
    // Three messages at a time want the lock, and each holds it for four seconds.
    every('door', 40, ['three']),
    code('three', `for (let n = 0; n < 3; n++) node.send({});`, ['lock']),
    onStore('lock', 'lock', 'line/door', { wait: '60', limit: '4', lease: '10' }),
    // A value that is larger than a packet may be.
    node('start', 'inject', { props: [], wires: [['large']] }),
    code('large', `global.set('large', 'x'.repeat(5_000_000), 'shared');`),
    node('role', 'statestore-leader', { store: 'plant', role: 'line1', lease: '10' }),
    node('role2', 'statestore-leader', { store: 'plant', role: 'reports', lease: '10' }),
  ];
}

/** Between 1 and 9 messages. */
const WAVE = `const n = Math.round(5 + 4 * Math.sin(Date.now() / 15_000));
for (let i = 0; i < n; i++) node.send({ payload: i });`;
