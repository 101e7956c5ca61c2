/**
 * Compares ways to talk to the store, in turns, on one emulator in a process of its own, and beside them nodes for Redis on a
 * redis-server; what a start takes and what waits; what locks, updates and roles, and the context store cost: docs/dev/benchmarks.md.
 * Prints tables, and writes them to docs/dev/benchmarks.md, with all figures in `bench/results.json` and pictures in docs/images.
 *
 *   npm run bench [-- --json] [--quick [--write]]
 *
 * With --quick there are fewer rounds, and nothing is written without --write. What needs a program that is not there is skipped, loudly.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ContenderProcess, type Measured, ROOT, Server } from './children';
import { coreFlow, floorFlow, manySets, ourNodes, redisFlow } from './contenders/flows';
import { CONTEXT_PARTS } from './context';
import { PARTS } from './coordination';
import type { Finding, Part } from './finding';
import { measureNodes } from './many-nodes';
import { type Job, type Measurement, median } from './measure';
import { OBSERVE_PARTS } from './observe';
import { PICTURES, picture } from './picture';
import { type Redis, startRedis } from './redis';
import { report } from './report';
import { type Cell, GOAL_SIZE, LARGE_SIZE, MANY, MANY_NODES, type Results } from './results';
import { startRustSdk } from './rust-sdk';
import { compareRequire, compareStarts, starts } from './start';
import { measureWaiting } from './waiting';

const QUICK = process.argv.includes('--quick');
const ROUNDS = QUICK ? 3 : 7;
const MS = QUICK ? 150 : 250;
/** The cells with the smallest values get more of both. */
const GOAL_ROUNDS = QUICK ? 5 : 11;
const GOAL_MS = QUICK ? 300 : 500;
const WARM_UP: Job = { operation: 'SET', size: GOAL_SIZE, inFlight: MANY, ms: 1500 };
const SIZES = [GOAL_SIZE, 1024, LARGE_SIZE];
const IN_FLIGHT = [MANY, 16, 1];
/** Only to end what hangs. */
const PART_MS = 5 * 60_000;

const begin = performance.now();

/** Prints the progress on standard error. */
function progress(what: string): void {
  console.error(`${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s: ${what}`);
}

/** Every contender in turn, several times; the median of each figure. */
async function compare(
  contenders: Measured[],
  job: Job,
  rounds: number,
): Promise<Record<string, Measurement>> {
  const all = new Map<string, Measurement[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) all.get(contender.name)?.push(await contender.measure(job));
  }
  const figure = (list: Measurement[], name: keyof Measurement) => median(list.map((one) => one[name]));
  return Object.fromEntries(
    [...all].map(([name, list]) => [
      name,
      {
        operations: figure(list, 'operations'),
        perSecond: figure(list, 'perSecond'),
        cpu: figure(list, 'cpu'),
        p50: figure(list, 'p50'),
        p99: figure(list, 'p99'),
      },
    ]),
  );
}

async function compareContenders({ port }: Server, redis: Redis | undefined): Promise<Cell[]> {
  progress('the contenders start; cargo builds one of them');
  const started: (Measured | undefined)[] = [
    await ContenderProcess.start('floor', port),
    await ContenderProcess.start('client', port),
    await startRustSdk(port),
    await ContenderProcess.start('plain', port),
    await ContenderProcess.startFlow('floor-flow', floorFlow(port)),
    redis && (await ContenderProcess.startFlow('redis-nodes', redisFlow(redis.server.port), redis.nodes)),
    await ContenderProcess.startFlow('nodes', ourNodes(port)),
    await ContenderProcess.startFlow('core-flow', coreFlow(port)),
  ];
  const contenders = started.filter((one) => one !== undefined);
  const text = await ContenderProcess.startFlow('nodes-text', ourNodes(port, { text: true }));
  for (const contender of [...contenders, text]) await contender.measure(WARM_UP);
  const cells: Cell[] = [];
  for (const size of SIZES) {
    const those = size === LARGE_SIZE ? [...contenders, text] : contenders;
    for (const operation of ['SET', 'GET'] as const)
      for (const contender of those) await contender.measure({ operation, size, inFlight: 16, ms: MS });
    for (const inFlight of IN_FLIGHT) {
      for (const operation of ['SET', 'GET'] as const) {
        progress(`${operation}, ${size} B, ${inFlight} in flight`);
        const goal = size === GOAL_SIZE;
        const job = { operation, size, inFlight, ms: goal ? GOAL_MS : MS };
        cells.push({ ...job, contenders: await compare(those, job, goal ? GOAL_ROUNDS : ROUNDS) });
      }
    }
  }
  for (const contender of [...contenders, text]) await contender.stop();
  return cells;
}

/** CPU time of each server per operation, in microseconds, under the same load from `floor`. */
async function compareServers(): Promise<Results['servers']> {
  const names = ['emulator', 'aedes'] as const;
  const servers = await Promise.all(names.map((name) => Server.start(name)));
  const clients = await Promise.all(servers.map(({ port }) => ContenderProcess.start('floor', port)));
  for (const client of clients) await client.measure(WARM_UP);
  const cpu = names.map((): number[] => []);
  for (let round = 0; round < GOAL_ROUNDS; round++) {
    for (const [index, server] of servers.entries()) {
      const before = await server.cpu();
      const { operations } = await (clients[index] as ContenderProcess).measure({ ...WARM_UP, ms: GOAL_MS });
      cpu[index]?.push(((await server.cpu()) - before) / operations);
    }
  }
  for (const child of [...clients, ...servers]) await child.stop();
  return { emulator: median(cpu[0] as number[]), aedes: median(cpu[1] as number[]) };
}

/** What a part found; or that it failed, so that the rest of the run is not lost. */
async function findings(name: string, part: Part): Promise<Finding[]> {
  progress(name);
  const late = new AbortController();
  const hung = pause(PART_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`not done after ${PART_MS / 1000} seconds`);
  });
  try {
    return await Promise.race([part(), hung]);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    return [{ what: name, measured: `failed: ${(error as Error).message}`, met: false }];
  } finally {
    late.abort();
    hung.catch(() => undefined);
  }
}

/** Puts each text between its marks in the document. */
function writeDocument(texts: Record<string, string>): void {
  const file = join(ROOT, 'docs', 'dev', 'benchmarks.md');
  let document = readFileSync(file, 'utf8');
  for (const [name, text] of Object.entries(texts)) {
    const marks = new RegExp(`(<!-- ${name}: .*?-->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
    if (!marks.test(document)) throw new Error(`docs/dev/benchmarks.md has no marks for ${name}`);
    document = document.replace(marks, (_all, start, end) => `${start}\n${text}\n\n${end}`);
  }
  writeFileSync(file, document);
}

async function main(): Promise<void> {
  progress('what waits, what a start takes');
  const waiting = (await measureWaiting(10_000, GOAL_SIZE)).bytes;
  const require = compareRequire(QUICK ? 5 : 15);
  const redis = await startRedis();
  const emulator = await Server.start('emulator');
  const started = await compareStarts(starts(emulator, redis), QUICK ? 9 : 21);
  progress('the emulator and Aedes');
  const servers = await compareServers();
  const cells = await compareContenders(emulator, redis);
  progress('many nodes');
  const [one = Number.NaN, many = Number.NaN] = await measureNodes(
    (nodes) => manySets(emulator.port, nodes),
    ...([[1, MANY_NODES], QUICK ? 3 : 7] as const),
  );
  await Promise.all([emulator.stop(), redis?.server.stop()]);
  const observe: Finding[] = [];
  for (const [name, part] of Object.entries(OBSERVE_PARTS)) observe.push(...(await findings(name, part)));
  const coordination: Finding[] = [];
  for (const [name, part] of Object.entries(PARTS)) coordination.push(...(await findings(name, part)));
  const context: Finding[] = [];
  for (const [name, part] of Object.entries(CONTEXT_PARTS)) {
    if (name !== 'restarts') context.push(...(await findings(`context store: ${name}`, part)));
  }
  const [cpu] = cpus();
  const results: Results = {
    machine: {
      cpu: cpu?.model ?? '',
      cores: cpus().length,
      node: process.version,
      platform: process.platform,
    },
    seconds: Math.round((performance.now() - begin) / 1000),
    ...{ servers, cells, nodes: { one, many }, require, starts: started, waiting },
    ...{ observe, coordination, context },
  };
  const texts = report(results);
  if (!QUICK || process.argv.includes('--write')) {
    writeFileSync(join(ROOT, 'bench', 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
    for (const [name, load] of Object.entries(PICTURES))
      writeFileSync(join(ROOT, 'docs', 'images', name), picture(cells, load));
    writeDocument(texts);
  }
  console.log(`\n${texts.results}\n\n${texts.observe}\n\n${texts.coordination}\n\n${texts.context}`);
  if (process.argv.includes('--json')) console.log(JSON.stringify(results));
}

main().then(
  // Ends what is still running as well.
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
