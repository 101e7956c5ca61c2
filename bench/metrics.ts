/**
 * What metrics cost: CPU time per message with and without counting, and with an SDK of OpenTelemetry, in turns on one emulator. Prints a table
 * with the median of the ratios of all rounds, and the quarters of the rounds around it. These hold on a quiet machine only. The last lines hold on
 * a busy one as well: how long it takes to count a request, and to write a scrape.
 *
 *   npm run bench:metrics [-- ROUNDS]
 */
import { join } from 'node:path';
import { MetricsCounter } from '../src/client/metrics';
import { metricFamilies } from '../src/node-red/health/metrics';
import { formatMetrics } from '../src/node-red/health/prometheus';
import { ContenderProcess, Server } from './children';
import { ourNodes } from './contenders/flows';
import { type Job, median } from './measure';

const ROUNDS = Number(process.argv[2] ?? 41);
const JOB: Job = { operation: 'GET', size: 100, inFlight: 64, ms: 200 };
const WARM_UP = { ...JOB, ms: 2000 };
/** What is loaded before the contender. */
const VARIANTS = { without: 'without-metrics', with: undefined, telemetry: 'with-telemetry' };
type Variant = keyof typeof VARIANTS;

type Start = (port: number) => Promise<ContenderProcess>;
const CONTENDERS: Record<string, Start> = {
  client: (port) => ContenderProcess.start('client', port),
  nodes: (port) => ContenderProcess.startFlow('nodes', ourNodes(port)),
};

async function startVariant(start: Start, port: number, file: string | undefined): Promise<ContenderProcess> {
  const { NODE_OPTIONS } = process.env;
  if (file) process.env.NODE_OPTIONS = `--require ${join(__dirname, 'contenders', `${file}.js`)}`;
  try {
    return await start(port);
  } finally {
    if (NODE_OPTIONS === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = NODE_OPTIONS;
  }
}

/** CPU time per message in microseconds, of each variant in each round. */
async function compare(start: Start, port: number): Promise<Record<Variant, number[]>> {
  const names = Object.keys(VARIANTS) as Variant[];
  const processes = await Promise.all(names.map((name) => startVariant(start, port, VARIANTS[name])));
  const cpu: Record<Variant, number[]> = { without: [], with: [], telemetry: [] };
  for (const one of processes) {
    await one.measure({ ...WARM_UP, operation: 'SET' });
    await one.measure(WARM_UP);
  }
  for (let round = 0; round < ROUNDS; round++) {
    // Each variant is the first one as often as the others.
    for (let turn = 0; turn < names.length; turn++) {
      const i = (round + turn) % names.length;
      const measured = await processes[i]?.measure(JOB);
      cpu[names[i] as Variant].push(measured?.cpu ?? Number.NaN);
    }
  }
  for (const one of processes) await one.stop();
  return cpu;
}

function ratioOf(ones: number[], others: number[]): string {
  const ratios = ones.map((one, i) => one / (others[i] as number)).sort((a, b) => a - b);
  const at = (part: number) => (ratios[Math.floor((ratios.length - 1) * part)] as number).toFixed(3);
  return `${at(0.5)} (${at(0.25)} to ${at(0.75)})`;
}

/** Nanoseconds that it takes to count one request: the fastest of many rounds, which other programs on the machine disturb least. */
function countingNs(): number {
  const counter = new MetricsCounter();
  const perRound = 100_000;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 100; round++) {
    const begin = performance.now();
    for (let n = 0; n < perRound; n++) counter.succeeded(n & 1 ? 'get' : 'set', performance.now() - begin);
    best = Math.min(best, ((performance.now() - begin) * 1e6) / perRound);
  }
  return best;
}

/** Milliseconds for one scrape of ten stores, with four operations each, half of which fail in two ways. */
function scrapeMs(): number {
  const counter = new MetricsCounter();
  for (const operation of ['get', 'set', 'delete', 'update'] as const) {
    counter.succeeded(operation, 1);
    counter.failed(operation, 'TIMEOUT', 10_000);
    counter.failed(operation, 'NOT_CONNECTED', 10_000);
  }
  const load = { waiting: 0, inFlight: 0, observed: 0, connected: true };
  const times = Array.from({ length: 200 }, () => {
    const begin = performance.now();
    const clients = Array.from({ length: 10 }, (_, i) => ({
      ...{ store: `store ${i}`, metrics: { ...counter.snapshot(), ...load }, locks: { held: 0, waiting: 0 } },
    }));
    formatMetrics(metricFamilies(clients, [], 0));
    return performance.now() - begin;
  });
  return median(times);
}

async function main(): Promise<void> {
  const server = await Server.start('emulator');
  console.log(
    `| ${JOB.inFlight} in flight, ${ROUNDS} rounds | CPU µs per message without | with / without | OpenTelemetry / without |`,
  );
  console.log('|---|---|---|---|');
  const shares: number[] = [];
  for (const [name, start] of Object.entries(CONTENDERS)) {
    const cpu = await compare(start, server.port);
    const cells = [ratioOf(cpu.with, cpu.without), ratioOf(cpu.telemetry, cpu.without)];
    shares.push(median(cpu.without));
    console.log(`| ${name} | ${median(cpu.without).toFixed(2)} | ${cells.join(' | ')} |`);
  }
  const ns = countingNs();
  console.log(
    `Counting one request: ${ns.toFixed(0)} ns, ${shares.map((cpu) => `${(ns / cpu / 10).toFixed(2)} %`).join(' and ')} of a message`,
  );
  console.log(`One scrape of ten stores: ${scrapeMs().toFixed(2)} ms`);
  await server.stop();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
