/** Three Node-RED instances take orders from lists. Their connections are cut and they are killed again and again. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { update } from '../../src/coordination/index';
import { StateStoreClient } from '../../src/index';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { NodeRed, newUserDir } from '../support/node-red';
import { Random } from '../support/random';
import { keepingFlow, type Log, readLog, settledIn, takingFlow } from './flow';

/** The list of the flow that removes an order when it takes it, and of the flow that keeps the order until it is finished. */
const KEYS = { take: 'orders', keep: 'jobs' };
const INSTANCES = 3;
const IN_FLIGHT = 20;
const LEASE_S = 1;
/** Orders are appended in groups of this size, and the list holds few of them at a time. */
const GROUP = 50;
const MAX_LISTED = 500;
/** Milliseconds between two cuts of all connections of an instance. */
const CUTS_MS = { min: 300, max: 1500 };
const POLL_MS = 50;

export interface OrdersOptions {
  orders: number;
  kills: number;
  seed: number;
}

/** What was seen. */
export interface OrdersReport {
  orders: number;
  /** Orders that left by an output, by instance. */
  taken: number[];
  /** Orders that left by an output more than once. */
  twice: number[];
  /** Orders that left by no output. */
  missing: number[];
  /** Orders that an instance got in another order than they were appended. */
  outOfOrder: number;
  /** Messages that were in a process when it was killed. */
  died: number;
  /** Errors by code. */
  failed: Record<string, number>;
  /** Of the orders that are kept until they are finished. */
  kept: KeptReport;
  kills: number;
  connections: number;
  seconds: number;
}

interface KeptReport {
  orders: number;
  /** Orders that left by an output, by instance. */
  taken: number[];
  /** Orders that two instances got. */
  twice: number[];
  /** Orders that no instance got. */
  missing: number[];
  /** Orders that an instance had when it was killed, and got again. */
  resumed: number;
  /** Orders that an instance got again without a kill. */
  again: number[];
  /** Errors by code. */
  failed: Record<string, number>;
}

export async function runOrders({ orders, kills, seed }: OrdersOptions): Promise<OrdersReport> {
  const begin = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'orders-'));
  const emulator = await EmulatorProcess.start('recognised');
  const instances = await Promise.all(
    Array.from({ length: INSTANCES }, (_, i) =>
      Instance.start(directory, i, emulator.port, new Random(seed, `cuts ${i}`)),
    ),
  );
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  const taken = () =>
    instances.reduce((sum, { flows }) => sum + flows.take.log.taken.length + flows.keep.log.taken.length, 0);
  try {
    const killing = killAgainAndAgain(instances, new Random(seed, 'kills'), { kills, orders, taken });
    await Promise.all([append(store, KEYS.take, orders), append(store, KEYS.keep, orders)]);
    await until(async () => (await listed(store, KEYS.take)).length === 0);
    await until(async () => (await listed(store, KEYS.keep)).length === 0);
    await killing;
    for (const instance of instances) instance.endCuts();
    await Promise.all(instances.map(({ flows }) => flows.take.settle()));
    const logsOf = (flow: keyof typeof KEYS) => instances.map(({ flows }) => flows[flow].log);
    return {
      ...tally(logsOf('take'), orders),
      died: instances.reduce((sum, { flows }) => sum + flows.take.died, 0),
      kept: tallyKept(logsOf('keep'), orders),
      ...{ kills, connections: instances.reduce((sum, { connections }) => sum + connections, 0) },
      seconds: Math.round((performance.now() - begin) / 1000),
    };
  } finally {
    await store.close();
    await Promise.all(instances.map((instance) => instance.stop()));
    await emulator.kill();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Why this is not right. Blank if it is. */
export function faultOf({ twice, missing, outOfOrder, died, failed, kept }: OrdersReport): string {
  const unknown = died + (failed.OUTCOME_UNKNOWN ?? 0);
  if (twice.length > 0) return `Orders were taken twice: ${twice}`;
  if (outOfOrder > 0) return `${outOfOrder} orders came before an earlier one`;
  if (missing.length > unknown)
    return `${missing.length} orders are missing, but only ${unknown} messages have an unknown outcome: ${missing}`;
  if (kept.missing.length > 0)
    return `Orders that are kept until they are finished are missing: ${kept.missing}`;
  if (kept.twice.length > 0) return `Two instances got the orders ${kept.twice}`;
  if (kept.again.length > 0) return `An instance got orders again without a kill: ${kept.again}`;
  return '';
}

/** A flow of an instance, by its log. */
class RunningFlow {
  /** Messages that were in the process when it was killed. */
  died = 0;
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  get log(): Log {
    return readLog(this.file);
  }

  /** The process was killed. */
  end(): void {
    const { log } = this;
    this.died = log.asked - settledIn(log);
    appendFileSync(this.file, 'killed\n');
  }

  /** Waits until each message that was sent until now has an outcome. */
  async settle(): Promise<void> {
    const { asked } = this.log;
    await until(async () => settledIn(this.log) + this.died >= asked);
  }
}

type Flows = Record<keyof typeof KEYS, RunningFlow>;

/** A Node-RED with both flows, behind a proxy of its own. */
class Instance {
  readonly flows: Flows;
  readonly #proxy: FaultProxy;
  readonly #userDir: string;
  readonly #nodeRed: NodeRed;
  #isOver = false;

  private constructor(
    flows: Flows,
    { proxy, userDir, nodeRed }: { proxy: FaultProxy; userDir: string; nodeRed: NodeRed },
    random: Random,
  ) {
    this.flows = flows;
    this.#proxy = proxy;
    this.#userDir = userDir;
    this.#nodeRed = nodeRed;
    void this.#cutAgainAndAgain(random);
  }

  static async start(directory: string, i: number, port: number, random: Random): Promise<Instance> {
    const proxy = await FaultProxy.start(() => port);
    const userDir = newUserDir();
    const nodeRed = await NodeRed.start({ userDir });
    const flows = {
      take: new RunningFlow(join(directory, `${i}-taken.log`)),
      keep: new RunningFlow(join(directory, `${i}-kept.log`)),
    };
    const common = { instance: i, port: proxy.port, inFlight: IN_FLIGHT, lease: LEASE_S };
    await nodeRed.deploy([
      ...takingFlow({ ...common, id: 'take', key: KEYS.take, log: flows.take.file }),
      ...keepingFlow({ ...common, id: 'keep', key: KEYS.keep, log: flows.keep.file }),
    ]);
    return new Instance(flows, { proxy, userDir, nodeRed }, random);
  }

  get connections(): number {
    return this.#proxy.accepted;
  }

  async kill(): Promise<void> {
    await this.#nodeRed.end('SIGKILL');
    for (const flow of Object.values(this.flows)) flow.end();
    await this.#nodeRed.again();
  }

  endCuts(): void {
    this.#isOver = true;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#nodeRed.stop();
    await this.#proxy.close();
    rmSync(this.#userDir, { recursive: true, force: true });
  }

  async #cutAgainAndAgain(random: Random): Promise<void> {
    for (;;) {
      await pause(random.between(CUTS_MS.min, CUTS_MS.max), undefined, { ref: false });
      if (this.#isOver) return;
      this.#proxy.cut();
    }
  }
}

/** Kills an instance at even steps of the work. The others go on while it starts again. */
async function killAgainAndAgain(
  instances: Instance[],
  random: Random,
  { kills, orders, taken }: { kills: number; orders: number; taken: () => number },
): Promise<void> {
  for (let n = 1; n <= kills; n++) {
    await until(async () => taken() >= (2 * orders * n) / (kills + 1));
    await random.pick(instances).kill();
  }
}

async function append(store: StateStoreClient, key: string, orders: number): Promise<void> {
  for (let first = 1; first <= orders; first += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, orders - first + 1) }, (_, i) => ({
      number: first + i,
    }));
    await update(
      store,
      key,
      (list) => JSON.stringify([...(list ? JSON.parse(list.toString()) : []), ...group]),
      { duration: LEASE_S * 1000, timeout: 60_000 },
    );
    await until(async () => (await listed(store, key)).length < MAX_LISTED);
  }
}

async function listed(store: StateStoreClient, key: string): Promise<{ number: number }[]> {
  const got = await store.get(key);
  return got.found ? JSON.parse(got.value.toString()) : [];
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await pause(POLL_MS);
}

function tally(
  logs: Log[],
  orders: number,
): Pick<OrdersReport, 'orders' | 'taken' | 'twice' | 'missing' | 'outOfOrder' | 'failed'> {
  const failed = failuresIn(logs);
  const { twice, missing } = compare(logs, orders);
  const again = logs.flatMap((log) => [...log.again.killed, ...log.again.unexplained]);
  return {
    ...{ orders, twice: [...twice, ...again], missing, failed },
    taken: logs.map(({ taken }) => taken.length),
    outOfOrder: logs.reduce(
      (sum, { taken }) => sum + taken.filter((one, i) => i > 0 && one < (taken[i - 1] as number)).length,
      0,
    ),
  };
}

function tallyKept(logs: Log[], orders: number): KeptReport {
  return {
    ...{ orders, ...compare(logs, orders), failed: failuresIn(logs) },
    taken: logs.map(({ taken }) => taken.length),
    resumed: logs.flatMap(({ again }) => again.killed).length,
    again: logs.flatMap(({ again }) => again.unexplained),
  };
}

function failuresIn(logs: Log[]): Record<string, number> {
  const failed: Record<string, number> = {};
  for (const [code, count] of logs.flatMap((log) => Object.entries(log.failed)))
    failed[code] = (failed[code] ?? 0) + count;
  return failed;
}

/** Orders from 1 on that two logs have, and orders that no log has. */
function compare(logs: Log[], orders: number): { twice: number[]; missing: number[] } {
  const seen = new Set<number>();
  const twice = logs.flatMap(({ taken }) => taken).filter((one) => seen.has(one) || !seen.add(one));
  const all = Array.from({ length: orders }, (_, i) => i + 1);
  return { twice, missing: all.filter((number) => !seen.has(number)) };
}
