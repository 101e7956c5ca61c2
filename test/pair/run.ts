/**
 * A highly available pair: two Node-RED instances with flows, context and a role in the store, deployed again and again from both editors while
 * they are killed and cut off, and while the broker restarts with and without its memory.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { NodeRed, newUserDir, ROOT } from '../support/node-red';
import { Random } from '../support/random';
import { ACTED_KEY, LEASE_S, pairFlows } from './flow';

export interface PairOptions {
  seconds: number;
  /** Seconds between two deploys. */
  deployEvery: number;
  seed: number;
}

/** What was seen. */
export interface PairReport {
  deploys: { succeeded: number; refused: Record<string, number> };
  faults: Record<string, number>;
  /** Writes of active instances that reached the store. */
  acts: number;
  /** Writes whose token is older than one that the store took before. */
  outOfOrder: number;
  /** Longest time without a write, in milliseconds, beyond the faults themselves and the time that a process needs to start. */
  longestGap: number;
  /** Why flows or context of the instances differ at the end. Blank if they are equal. */
  difference: string;
  /** Milliseconds from the last fault until both run the same flows. */
  converged: number;
}

interface Flows {
  rev: string;
  flows: { id: string; label?: string }[];
}

const V2 = { 'Node-RED-API-Version': 'v2' };
/** Milliseconds that the instances have to become equal after the last fault. */
const CONVERGE_MS = 60_000;

export async function runPair({ seconds, deployEvery, seed }: PairOptions): Promise<PairReport> {
  const random = new Random(seed, 'faults');
  let emulator = await EmulatorProcess.start('recognised');
  const proxies = [await FaultProxy.start(() => emulator.port), await FaultProxy.start(() => emulator.port)];
  const userDirs = [newUserDir(), newUserDir()];
  const instances: NodeRed[] = [];
  for (const [i, proxy] of proxies.entries())
    instances.push(await startInstance(i, proxy.port, userDirs[i] as string));
  const watch = new ActWatch();
  await watch.follow(emulator.port);
  const report: PairReport = {
    ...{ deploys: { succeeded: 0, refused: {} }, faults: {}, acts: 0, outOfOrder: 0, longestGap: 0 },
    ...{ difference: '', converged: 0 },
  };
  const end = performance.now() + seconds * 1000;
  if (process.env.PAIR_DEBUG)
    for (const one of instances) one.lines.on('line', () => console.error(one.lines.all.at(-1)));

  const deploy = async (nodeRed: NodeRed, title: string) => {
    try {
      const { rev } = await nodeRed.api<Flows>('GET', '/flows', undefined, V2);
      await nodeRed.api('POST', '/flows', { rev, flows: pairFlows(title) }, V2);
      report.deploys.succeeded++;
    } catch (error) {
      const reason = /"code":"(\w+)"/.exec((error as Error).message)?.[1] ?? 'the instance is down';
      report.deploys.refused[reason] = (report.deploys.refused[reason] ?? 0) + 1;
    }
  };
  await deploy(instances[0] as NodeRed, 'deploy 0');

  const deploys = (async () => {
    for (let n = 1; performance.now() < end; n++) {
      await pause(deployEvery * 1000);
      const [one, other] = (n % 2 === 0 ? instances : [...instances].reverse()) as [NodeRed, NodeRed];
      // Every third time from both editors at the same moment.
      await Promise.all([deploy(one, `deploy ${n}`), ...(n % 3 === 0 ? [deploy(other, `rival ${n}`)] : [])]);
    }
  })();

  const faults: Record<string, () => Promise<void>> = {
    cut: async () => proxies[random.between(0, 1)]?.cut(),
    reset: async () => proxies[random.between(0, 1)]?.reset(),
    'network away for 1 s': async () => {
      const proxy = proxies[random.between(0, 1)] as FaultProxy;
      proxy.refusing = true;
      proxy.cut();
      await pause(1000);
      proxy.heal();
    },
    'broker frozen for 1 s': async () => {
      watch.suspend();
      emulator.freeze();
      await pause(1000);
      emulator.thaw();
      watch.resume();
    },
    'broker restarted without its memory': async () => {
      watch.suspend();
      await emulator.kill();
      emulator = await EmulatorProcess.start('recognised');
      await watch.follow(emulator.port);
      watch.resume();
    },
    'instance killed': async () => {
      const i = random.between(0, 1);
      await instances[i]?.end('SIGKILL');
      await instances[i]?.again();
    },
    'instance stopped': async () => {
      const i = random.between(0, 1);
      await instances[i]?.end('SIGTERM');
      await instances[i]?.again();
    },
  };
  const names = Object.keys(faults);
  while (performance.now() < end) {
    const name = random.pick(names);
    report.faults[name] = (report.faults[name] ?? 0) + 1;
    await faults[name]?.();
    await pause(random.between(1500, 3000));
  }
  await deploys;
  for (const proxy of proxies) proxy.heal();

  const healed = performance.now();
  do {
    report.difference = await differenceOf(instances, emulator.port).catch((error: Error) => error.message);
    if (report.difference) await pause(100);
  } while (report.difference && performance.now() - healed < CONVERGE_MS);
  report.converged = Math.round(performance.now() - healed);
  Object.assign(report, watch.result());
  await watch.close();
  for (const nodeRed of instances) await nodeRed.end('SIGKILL');
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await emulator.kill();
  for (const folder of userDirs) rmSync(folder, { recursive: true, force: true });
  return report;
}

function startInstance(i: number, port: number, userDir: string): Promise<NodeRed> {
  const options = `{ host: '127.0.0.1', port: ${port}, timeout: 5000 }`;
  const source = (part: string) => JSON.stringify(join(ROOT, 'dist', 'src', part));
  return NodeRed.start({
    userDir,
    env: { INSTANCE: `instance ${i}`, BROKER_PORT: String(port) },
    storageModule: `require(${source('storage')})(${options})`,
    contextStorage: `{ default: 'shared', shared: { module: require(${source('context')}), config: ${options} }, memory: { module: 'memory' } }`,
  });
}

/** In which way the instances and the store differ; blank if they do not. */
async function differenceOf(instances: NodeRed[], port: number): Promise<string> {
  const flows = await Promise.all(instances.map((one) => one.api<Flows>('GET', '/flows', undefined, V2)));
  const [left, right] = flows.map(({ rev, flows: nodes }) => ({ rev, title: nodes[0]?.label }));
  if (left?.rev !== right?.rev) return `flows: ${left?.title} and ${right?.title}`;
  const counts = await Promise.all(
    instances.map((one) => one.api<{ msg: string }>('GET', '/context/global/acts?store=shared')),
  );
  if (counts[0]?.msg !== counts[1]?.msg) return `context: ${counts[0]?.msg} and ${counts[1]?.msg}`;
  const store = new StateStoreClient({ host: '127.0.0.1', port });
  try {
    const index = await store.get('nodered-flows/flows');
    const current = index.found ? JSON.parse(index.value.toString()).current : '';
    const part = await store.get(`nodered-flows/flows/${current}/0`);
    const stored = part.found ? JSON.parse(part.value.toString()).flows[0]?.label : undefined;
    if (stored !== left?.title) return `store: ${stored}, instances: ${left?.title}`;
  } finally {
    await store.close();
  }
  return '';
}

/** Looks at the writes of the active instance from beside the store. */
class ActWatch {
  #store: StateStoreClient | undefined;
  #newest: Hlc | undefined;
  #last = performance.now();
  #suspended = false;
  #acts = 0;
  #outOfOrder = 0;
  #longest = 0;

  /** Begins again at another store, which knows no tokens yet. */
  async follow(port: number): Promise<void> {
    await this.#store?.close();
    this.#newest = undefined;
    this.#store = new StateStoreClient({ host: '127.0.0.1', port });
    await this.#store.observe(ACTED_KEY, (change) => {
      if (change.operation === 'set') this.#onAct(JSON.parse(change.value.toString()));
    });
  }

  /** While the broker is away no instance can act. */
  suspend(): void {
    this.#measure();
    this.#suspended = true;
  }

  resume(): void {
    this.#suspended = false;
    this.#last = performance.now();
  }

  result(): Pick<PairReport, 'acts' | 'outOfOrder' | 'longestGap'> {
    this.#measure();
    const longestGap = Math.max(0, Math.round(this.#longest - LEASE_S * 1000 - 500));
    return { acts: this.#acts, outOfOrder: this.#outOfOrder, longestGap };
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }

  #onAct({ token }: { token: string }): void {
    this.#measure();
    this.#acts++;
    const version = parseHlc(token);
    if (!version) return;
    if (this.#newest && compareHlc(version, this.#newest) < 0) this.#outOfOrder++;
    else this.#newest = version;
  }

  #measure(): void {
    const now = performance.now();
    if (!this.#suspended) this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }
}

/** Why this is not right; blank if it is. */
export function faultOf({ deploys, acts, outOfOrder, difference }: PairReport): string {
  if (difference) return `the instances differ: ${difference}`;
  if (outOfOrder > 0) return `${outOfOrder} writes came out of the order of their tokens`;
  if (deploys.succeeded === 0 || acts === 0) return 'nothing was deployed, or nobody acted';
  return '';
}
