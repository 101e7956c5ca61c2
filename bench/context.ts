/**
 * Cost of a context store: ours compared with Core's memory and with a context store on Redis. The delay between two real
 * Node-RED instances, the start with 10,000 keys, and the data that restarts and deploys leave behind. docs/dev/benchmarks.md.
 *
 * For Redis: `redis-server` on the PATH, or that part is skipped. CONTEXT_REDIS may name the folder of another context store on Redis.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Emulator } from '../src/emulator/index';
import { openStore, type Store, until } from '../test/support/context';
import { NodeRed, newUserDir } from '../test/support/node-red';
import { VERSIONS } from '../test/support/node-red-versions';
import { freePort } from '../test/support/ports';
import { Server } from './children';
import type { ContextCost, ContextJob } from './context-worker';
import type { Finding, Part } from './finding';
import { median } from './measure';
import { installed } from './redis';

const QUICK = process.argv.includes('--quick');
const ROUNDS = QUICK ? 3 : 7;
const RESTARTS = QUICK ? 5 : 100;
const MANY = 10_000;
const JOBS: ContextJob[] = [
  { what: 'get', count: 500_000, inFlight: 1 },
  { what: 'get with callback', count: 20_000, inFlight: 256 },
  { what: 'set with callback', count: 20_000, inFlight: 256 },
  { what: 'set with callback', count: 2_000, inFlight: 1 },
];

class Worker {
  readonly kind: string;
  readonly #child: ChildProcess;

  private constructor(kind: string, child: ChildProcess) {
    this.kind = kind;
    this.#child = child;
  }

  static async start(kind: string, port: number, module = ''): Promise<Worker> {
    const child = fork(join(__dirname, 'context-worker'), [kind, String(port), module], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, NODE_RED_HOME: dirname(require.resolve('node-red/package.json')) },
    });
    await once(child, 'message');
    return new Worker(kind, child);
  }

  async run(job: ContextJob): Promise<ContextCost> {
    this.#child.send(job);
    const [cost] = (await once(this.#child, 'message')) as [ContextCost];
    return cost;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}

/** A server of Redis that keeps nothing on disk; nothing where there is none. */
async function startRedis(): Promise<{ port: number; module: string; stop: () => void } | undefined> {
  let module: string;
  try {
    execFileSync('redis-server', ['--version']);
    installed('redis');
    module = process.env.CONTEXT_REDIS ?? join(__dirname, 'contenders', 'redis-context');
  } catch (error) {
    console.error(`\n!! SKIPPED: no comparison with Redis (${(error as Error).message.split('\n')[0]})\n`);
    return undefined;
  }
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--appendonly', 'no']);
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      if (/Ready to accept connections/.test(text.toString())) resolve();
    });
  });
  return { port, module, stop: () => child.kill() };
}

const HOW_MANY: Record<number, string> = { 1: ', one after the other', 256: ', 256 under way' };

async function compareCost(port: number): Promise<Finding[]> {
  const redis = await startRedis();
  const workers = [
    await Worker.start('memory', 0),
    await Worker.start('shared', port),
    await Worker.start('floor', port),
    ...(redis ? [await Worker.start('redis', redis.port, redis.module)] : []),
  ];
  for (const worker of workers) {
    await worker.run({ what: 'set with callback', count: 5000, inFlight: 256 });
    if (worker.kind !== 'floor') await worker.run({ what: 'get with callback', count: 5000, inFlight: 256 });
  }
  const findings: Finding[] = [];
  for (const job of JOBS) {
    const cpu = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const worker of workers) {
        if (worker.kind === 'redis' && job.what === 'get') continue;
        if (worker.kind === 'floor' && job.what !== 'set with callback') continue;
        cpu.set(worker.kind, [...(cpu.get(worker.kind) ?? []), (await worker.run(job)).cpu]);
      }
    }
    const figure = (kind: string) => median(cpu.get(kind) ?? [Number.NaN]);
    const shown = [`${figure('shared').toFixed(2)} µs`, `memory ${figure('memory').toFixed(2)}`];
    const isSynchronous = job.what === 'get';
    const yardstick = isSynchronous ? 'memory' : 'redis';
    const most = job.inFlight === 256 ? 2 : 1.5;
    const ratio = figure('shared') / figure(yardstick);
    if (!isSynchronous && redis) shown.push(`Redis ${figure('redis').toFixed(2)}`);
    if (cpu.has('floor')) shown.push(`floor ${figure('floor').toFixed(2)}`);
    const isKnown = isSynchronous || redis !== undefined;
    findings.push({
      what: `CPU of a ${isSynchronous ? 'synchronous get' : job.what + (HOW_MANY[job.inFlight] ?? '')}`,
      goal: `<= ${most} times ${isSynchronous ? 'Core’s memory' : 'Redis'}`,
      measured: `${shown.join(', ')}: ${isKnown ? `${ratio.toFixed(2)} times` : 'skipped'}`,
      ...(isKnown && { met: ratio <= most }),
      ...(job.what.startsWith('set') &&
        job.inFlight === 1 && { figure: { name: 'context-set' as const, value: ratio } }),
    });
  }
  for (const worker of workers) await worker.stop();
  redis?.stop();
  return findings;
}

async function startWithManyKeys(): Promise<Finding[]> {
  const server = await Server.start('emulator');
  const filler = await Worker.start('shared', server.port);
  const { ms: filling } = await filler.run({ what: 'fill', count: MANY, inFlight: 2000 });
  await filler.stop();
  const costs: ContextCost[] = [];
  for (let round = 0; round < 3; round++) {
    const loader = await Worker.start('memory', server.port);
    costs.push(await loader.run({ what: 'load', count: MANY, inFlight: 1 }));
    await loader.stop();
  }
  await server.stop();
  const seconds = median(costs.map(({ ms }) => ms)) / 1000;
  const bytes = median(costs.map((cost) => cost.bytes ?? Number.NaN));
  const cpu = median(costs.map((cost) => cost.cpu));
  return [
    { what: `${MANY} new keys set with callback`, measured: `${(filling / 1000).toFixed(1)} s` },
    {
      ...{ what: `start with ${MANY} keys`, goal: '<= 5 s', met: seconds <= 5 },
      measured: `${seconds.toFixed(1)} s, ${cpu.toFixed(0)} µs of CPU for each key`,
    },
    { what: 'memory for each key', measured: `${(bytes / 1000).toFixed(1)} kB` },
  ];
}

function settingsFor(port: number): string {
  return `{ default: 'memory', memory: { module: 'memory' }, shared: { module: require('@edgestate/node-red-statestore/context'), config: { host: '127.0.0.1', port: ${port} } } }`;
}

function flow(id: string, func: string): object[] {
  return [
    { id, type: 'tab', label: id },
    { id: `run-${id}`, type: 'inject', z: id, x: 1, y: 1, props: [], wires: [[`do-${id}`]] },
    { id: `do-${id}`, type: 'function', z: id, x: 1, y: 1, outputs: 1, wires: [[]], func },
  ];
}

const VALUES = 1000;
const SEEN_ON = 20;

/** From a set in one Node-RED until a function node of another one reads it; looked at every millisecond. */
async function delay(port: number): Promise<Finding[]> {
  const contextStorage = settingsFor(port);
  const [a, b] = await Promise.all([NodeRed.start({ contextStorage }), NodeRed.start({ contextStorage })]);
  await b.deploy(
    flow(
      'look',
      `const last = {}; const times = []; let seen = 0;
       const timer = setInterval(() => {
         for (let k = 0; k < ${SEEN_ON}; k++) {
           const value = global.get('d' + k, 'shared');
           if (!value || value.n === last[k]) continue;
           times.push(Date.now() - value.at); last[k] = value.n;
           if (value.n >= ${VALUES - SEEN_ON}) seen++;
         }
         if (seen < ${SEEN_ON}) return;
         clearInterval(timer);
         times.sort((x, y) => x - y);
         node.warn('delays ' + JSON.stringify([times.length, times[times.length >> 1], times[Math.floor(times.length * 0.99)]]));
       }, 1);`,
    ),
  );
  await a.deploy(
    flow(
      'set',
      `let n = 0; const timer = setInterval(() => {
         global.set('d' + (n % ${SEEN_ON}), { n, at: Date.now() }, 'shared');
         if (++n === ${VALUES}) clearInterval(timer);
       }, 5);`,
    ),
  );
  await b.inject('run-look');
  await a.inject('run-set');
  const line = await b.lines.find(/delays \[/);
  const [count, p50, p99] = JSON.parse(line.slice(line.indexOf('delays ') + 7)) as [number, number, number];
  await Promise.all([a.stop(), b.stop()]);
  return [
    {
      what: 'from a `set` in one Node-RED until a function node of another one reads it, p50',
      ...{ goal: '<= 10 ms', met: p50 <= 10 },
      measured: `${p50} ms; p99 ${p99} ms; ${count} of ${VALUES} values seen, every last one`,
    },
  ];
}

const OTHERS = 50;

/**
 * Restarts of one Node-RED instance, each with a deploy that removes a flow, beside another instance: the data of the other instance stays,
 * removed flows are forgotten, and no connection stays open.
 */
async function restartsAndDeploys(version: keyof typeof VERSIONS): Promise<Finding> {
  const emulator = await Emulator.start({ port: 0 });
  const contextStorage = settingsFor(emulator.port);
  const other: Store = await openStore(emulator.port);
  for (let n = 0; n < OTHERS; n++) other.set(`theirs${n}`, 'x', n);
  const userDir = newUserDir();
  let connected = 0;
  for (let n = 0; n < RESTARTS; n++) {
    const red = await NodeRed.start({ ...VERSIONS[version](), userDir, contextStorage });
    const id = `tab${n % 3}`;
    await red.deploy(flow(id, `flow.set('own', ${n}, 'shared');`));
    await red.inject(`run-${id}`);
    await until(() => other.get(id, 'own') === n);
    await red.end('SIGTERM');
    connected = Math.max(connected, emulator.clients - 1);
  }
  rmSync(userDir, { recursive: true, force: true });
  const witness: Store = await openStore(emulator.port);
  const lost = Array.from({ length: OTHERS }, (_none, n) => n).filter(
    (n) => witness.get(`theirs${n}`, 'x') !== n,
  );
  const own = ['tab0', 'tab1', 'tab2'].filter((id) => witness.get(id, 'own') !== undefined);
  await Promise.all([witness.close(), other.close()]);
  await emulator.close();
  return {
    what: `${RESTARTS} restarts of Node-RED ${version}, each with a deploy that takes a flow away`,
    goal: 'nothing lost, nothing left behind',
    measured: `${lost.length} of ${OTHERS} keys of others lost, ${own.length} of 3 flows in memory, ${connected} connections left`,
    met: lost.length === 0 && own.length === 1 && connected === 0,
  };
}

/** With an emulator in a process of its own. */
function onServer(measure: (port: number) => Promise<Finding[]>): Part {
  return async () => {
    const server = await Server.start('emulator');
    const findings = await measure(server.port);
    await server.stop();
    return findings;
  };
}

/** What is measured, by name. */
export const CONTEXT_PARTS: Record<string, Part> = {
  cost: onServer(compareCost),
  delay: onServer(delay),
  start: startWithManyKeys,
  restarts: async () => {
    const findings: Finding[] = [];
    for (const version of QUICK ? (['4.1'] as const) : (['4.1', '5.0'] as const)) {
      findings.push(await restartsAndDeploys(version));
    }
    return findings;
  },
};
