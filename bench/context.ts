/**
 * What a context store costs: ours against Core's memory, and against a context store on Redis. The delay between two real
 * Node-REDs, the start with 10,000 keys, and what restarts and deploys leave behind. docs/benchmarks.md.
 *
 *   npm run bench:context [-- --quick] [cost] [delay] [start] [restarts]
 *
 * All of it where no part is named; `restarts` takes a quarter of an hour, or a minute with `--quick`.
 *
 * For Redis: `redis-server` on the PATH, and the folder of the context store in CONTEXT_REDIS (default: node-red-contrib-context-redis,
 * where it is installed). Without them that part is skipped.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Emulator } from '../src/index';
import { openStore, type Store, until } from '../test/support/context';
import { NodeRed, newUserDir } from '../test/support/node-red';
import { VERSIONS } from '../test/support/node-red-versions';
import { freePort } from '../test/support/ports';
import { Server } from './children';
import type { ContextCost, ContextJob } from './context-worker';
import { median } from './measure';

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

let missed = 0;

function verdict(what: string, value: number, most: number, digits = 2): void {
  if (value > most) missed++;
  console.log(`${what}: ${value.toFixed(digits)}, at most ${most}: ${value <= most ? 'yes' : 'NO'}`);
}

/** A server of Redis that keeps nothing on disk; nothing where there is none. */
async function startRedis(): Promise<{ port: number; module: string; stop: () => void } | undefined> {
  let module: string;
  try {
    execFileSync('redis-server', ['--version']);
    module = process.env.CONTEXT_REDIS ?? require.resolve('node-red-contrib-context-redis');
  } catch (error) {
    console.log(`\n!! SKIPPED: no comparison with Redis (${(error as Error).message.split('\n')[0]})\n`);
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

async function compareCost(port: number): Promise<void> {
  const redis = await startRedis();
  const workers = [
    await Worker.start('memory', 0),
    await Worker.start('shared', port),
    ...(redis ? [await Worker.start('redis', redis.port, redis.module)] : []),
  ];
  for (const worker of workers) {
    await worker.run({ what: 'set with callback', count: 5000, inFlight: 256 });
    await worker.run({ what: 'get with callback', count: 5000, inFlight: 256 });
  }
  const at = (from: Record<string, number>, kind: string) => from[kind] ?? Number.NaN;
  for (const job of JOBS) {
    const cpu = new Map<string, number[]>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const worker of workers) {
        if (job.what === 'get' && worker.kind === 'redis') continue;
        cpu.set(worker.kind, [...(cpu.get(worker.kind) ?? []), (await worker.run(job)).cpu]);
      }
    }
    const figures = Object.fromEntries([...cpu].map(([kind, list]) => [kind, median(list)]));
    const shown = Object.entries(figures).map(([kind, figure]) => `${kind} ${figure.toFixed(3)}`);
    console.log(`${job.what}, ${job.inFlight} under way, CPU µs per operation: ${shown.join(', ')}`);
    if (job.what === 'get')
      verdict('  synchronous get, ours / Core memory', at(figures, 'shared') / at(figures, 'memory'), 1.5);
    if (!redis || job.what === 'get') continue;
    verdict('  ours / Redis', at(figures, 'shared') / at(figures, 'redis'), 2);
  }
  for (const worker of workers) await worker.stop();
  redis?.stop();
}

async function startWithManyKeys(): Promise<void> {
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
  console.log(`${MANY} new keys set with callback in ${(filling / 1000).toFixed(1)} s`);
  verdict(`  start with ${MANY} keys, seconds`, median(costs.map(({ ms }) => ms)) / 1000, 5);
  const bytes = median(costs.map((cost) => cost.bytes ?? Number.NaN));
  console.log(
    `  memory per key: ${bytes.toFixed(0)} bytes, CPU per key: ${median(costs.map(({ cpu }) => cpu)).toFixed(0)} µs`,
  );
  await server.stop();
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
async function delay(port: number): Promise<void> {
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
  console.log(
    `from one Node-RED to the other: ${count} of ${VALUES} values seen, every last one; p99 ${p99} ms`,
  );
  verdict('  p50 of the delay, milliseconds', p50, 10, 0);
  await Promise.all([a.stop(), b.stop()]);
}

const OTHERS = 50;

/**
 * Restarts of one Node-RED, each with a deploy that takes a flow away, beside another one: what belongs to that one stays, the flows that
 * went are forgotten, and nobody stays connected.
 */
async function restartsAndDeploys(version: keyof typeof VERSIONS): Promise<void> {
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
  console.log(`Node-RED ${version}, ${RESTARTS} restarts, each with a deploy:`);
  verdict(`  of ${OTHERS} keys of others, lost`, lost.length, 0, 0);
  verdict('  own flows in memory, of which one is deployed', own.length, 1, 0);
  verdict('  connections left behind', connected, 0, 0);
  await Promise.all([witness.close(), other.close()]);
  await emulator.close();
}

/** With an emulator in a process of its own. */
async function withServer(measure: (port: number) => Promise<void>): Promise<void> {
  const server = await Server.start('emulator');
  await measure(server.port);
  await server.stop();
}

const PARTS: Record<string, () => Promise<void>> = {
  cost: () => withServer(compareCost),
  delay: () => withServer(delay),
  start: startWithManyKeys,
  restarts: async () => {
    for (const version of QUICK ? (['4.1'] as const) : (['4.1', '5.0'] as const))
      await restartsAndDeploys(version);
  },
};

async function main(): Promise<void> {
  const wanted = process.argv.slice(2).filter((one) => one !== '--quick');
  for (const name of wanted.length > 0 ? wanted : Object.keys(PARTS)) {
    const part = PARTS[name];
    if (!part) throw new Error(`There is no part ${name}. Parts are ${Object.keys(PARTS).join(', ')}.`);
    await part();
  }
  process.exitCode = missed > 0 ? 1 : 0;
}

void main();
