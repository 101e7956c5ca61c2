/**
 * Compares ways to talk to the store, in turns, on one emulator in a process of its own: docs/benchmarks.md.
 * Prints tables, and writes them to docs/benchmarks.md, with all figures in `bench/results.json`.
 *
 *   npm run bench [-- --json] [--quick]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { ContenderProcess, Server } from './children';
import { coreFlow, ourNodes } from './contenders/flows';
import { type Finding, PARTS } from './coordination';
import { type Job, type Measurement, median } from './measure';
import { type Cell, markdown, type Results } from './report';

const ROOT = join(__dirname, '..', '..');
const QUICK = process.argv.includes('--quick');
const ROUNDS = QUICK ? 3 : 5;
const MS = QUICK ? 150 : 250;
/** The cells that the goals are about get more of both. */
const GOAL_ROUNDS = QUICK ? 5 : 11;
const GOAL_MS = QUICK ? 300 : 500;
const WARM_UP: Job = { operation: 'SET', size: 16, inFlight: 256, ms: 1500 };
const SIZES = [16, 1024, 65_536];
const IN_FLIGHT = [256, 16, 1];

/** Every contender in turn, several times; the median of each figure. */
async function compare(
  contenders: ContenderProcess[],
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

async function compareContenders(): Promise<Cell[]> {
  const server = await Server.start('emulator');
  const contenders = [
    await ContenderProcess.start('client', server.port),
    await ContenderProcess.startFlow('nodes', ourNodes(server.port)),
    await ContenderProcess.start('plain', server.port),
    await ContenderProcess.startFlow('core-flow', coreFlow(server.port)),
    await ContenderProcess.start('floor', server.port),
  ];
  for (const contender of contenders) await contender.measure(WARM_UP);
  const cells: Cell[] = [];
  for (const size of SIZES) {
    for (const inFlight of IN_FLIGHT) {
      for (const operation of ['SET', 'GET'] as const) {
        const goal = size === 16 && inFlight !== 16;
        const job = { operation, size, inFlight, ms: goal ? GOAL_MS : MS };
        cells.push({ ...job, contenders: await compare(contenders, job, goal ? GOAL_ROUNDS : ROUNDS) });
        process.stderr.write('.');
      }
    }
  }
  for (const contender of contenders) await contender.stop();
  await server.stop();
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

/** Puts the tables between the two marks of the document. */
function writeDocument(text: string): void {
  const file = join(ROOT, 'docs', 'benchmarks.md');
  const marks = /(<!-- results.*?-->\n)[\s\S]*(<!-- end of results -->)/;
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(marks, (_all, begin, end) => `${begin}${text}${end}`),
  );
}

async function main(): Promise<void> {
  const begin = performance.now();
  const servers = await compareServers();
  const cells = await compareContenders();
  const coordination: Finding[] = [];
  for (const part of Object.values(PARTS)) coordination.push(...(await part()));
  const [cpu] = cpus();
  const results: Results = {
    machine: {
      cpu: cpu?.model ?? '',
      cores: cpus().length,
      node: process.version,
      platform: process.platform,
    },
    seconds: Math.round((performance.now() - begin) / 1000),
    servers,
    cells,
    coordination,
  };
  const text = markdown(results);
  if (!QUICK) {
    writeFileSync(join(ROOT, 'bench', 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
    writeDocument(text);
  }
  console.log(`\n${text}`);
  if (process.argv.includes('--json')) console.log(JSON.stringify(results));
}

void main();
