/** Three Node-REDs take orders from one list. Their connections are cut and they are killed again and again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { update } from '../../src/coordination/index';
import { StateStoreClient } from '../../src/index';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { NodeRed, newUserDir } from '../support/node-red';
import { Random } from '../support/random';
import { type Log, readLog, settledIn, takingFlow } from './flow';

const KEY = 'orders';
const INSTANCES = 3;
const IN_FLIGHT = 20;
const LEASE_S = 1;
/** Orders are appended in groups of this size, and the list holds few of them at a time. */
const GROUP = 50;
const MAX_LISTED = 500;
/** Milliseconds between two cuts of all connections of an instance. */
const CUTS_MS = { min: 300, max: 1500 };
const POLL_MS = 20;

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
  /** Orders that are neither in the list nor left by an output. */
  missing: number[];
  /** Orders that an instance got in another order than they were appended. */
  outOfOrder: number;
  /** Messages that were in a process when it was killed. */
  died: number;
  /** Errors by code. */
  failed: Record<string, number>;
  kills: number;
  connections: number;
  seconds: number;
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
  const taken = () => instances.reduce((sum, { log }) => sum + log.taken.length, 0);
  try {
    const killing = killAgainAndAgain(instances, new Random(seed, 'kills'), { kills, orders, taken });
    await append(store, orders, taken);
    await until(async () => (await listed(store)).length === 0);
    await killing;
    await Promise.all(instances.map((instance) => instance.settle()));
    const left = await listed(store);
    return {
      ...tally(
        instances.map(({ log }) => log),
        left,
        orders,
      ),
      died: instances.reduce((sum, { died }) => sum + died, 0),
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
export function faultOf({ twice, missing, outOfOrder, died, failed }: OrdersReport): string {
  const unknown = died + (failed.OUTCOME_UNKNOWN ?? 0);
  if (twice.length > 0) return `Orders were taken twice: ${twice}`;
  if (outOfOrder > 0) return `${outOfOrder} orders came before an earlier one`;
  if (missing.length > unknown)
    return `${missing.length} orders are missing, but only ${unknown} messages have an unknown outcome: ${missing}`;
  return '';
}

/** A Node-RED with the flow, behind a proxy of its own. */
class Instance {
  /** Messages that were in the process when it was killed. */
  died = 0;
  readonly #file: string;
  readonly #proxy: FaultProxy;
  readonly #userDir: string;
  readonly #nodeRed: NodeRed;
  #isOver = false;

  private constructor(file: string, proxy: FaultProxy, userDir: string, nodeRed: NodeRed, random: Random) {
    this.#file = file;
    this.#proxy = proxy;
    this.#userDir = userDir;
    this.#nodeRed = nodeRed;
    void this.#cutAgainAndAgain(random);
  }

  static async start(directory: string, i: number, port: number, random: Random): Promise<Instance> {
    const file = join(directory, `${i}.log`);
    const proxy = await FaultProxy.start(() => port);
    const userDir = newUserDir();
    const nodeRed = await NodeRed.start({ userDir });
    await nodeRed.deploy(
      takingFlow({ port: proxy.port, key: KEY, inFlight: IN_FLIGHT, lease: LEASE_S, log: file }),
    );
    return new Instance(file, proxy, userDir, nodeRed, random);
  }

  get log(): Log {
    return readLog(this.#file);
  }

  get connections(): number {
    return this.#proxy.accepted;
  }

  async kill(): Promise<void> {
    await this.#nodeRed.end('SIGKILL');
    const { log } = this;
    this.died = log.asked - settledIn(log);
    await this.#nodeRed.again();
  }

  /** Ends the cuts, and waits until each message that was sent until now has an outcome. */
  async settle(): Promise<void> {
    this.#isOver = true;
    const { asked } = this.log;
    await until(async () => settledIn(this.log) + this.died >= asked);
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
    await until(async () => taken() >= (orders * n) / (kills + 1));
    await random.pick(instances).kill();
  }
}

async function append(store: StateStoreClient, orders: number, taken: () => number): Promise<void> {
  for (let first = 1; first <= orders; first += GROUP) {
    const group = Array.from({ length: Math.min(GROUP, orders - first + 1) }, (_, i) => ({
      number: first + i,
    }));
    await update(
      store,
      KEY,
      (list) => JSON.stringify([...(list ? JSON.parse(list.toString()) : []), ...group]),
      { duration: LEASE_S * 1000, timeout: 60_000 },
    );
    await until(
      async () => first + GROUP - taken() < MAX_LISTED || (await listed(store)).length < MAX_LISTED,
    );
  }
}

async function listed(store: StateStoreClient): Promise<{ number: number }[]> {
  const got = await store.get(KEY);
  return got.found ? JSON.parse(got.value.toString()) : [];
}

async function until(reached: () => Promise<boolean>): Promise<void> {
  while (!(await reached())) await pause(POLL_MS);
}

function tally(
  logs: Log[],
  left: { number: number }[],
  orders: number,
): Pick<OrdersReport, 'orders' | 'taken' | 'twice' | 'missing' | 'outOfOrder' | 'failed'> {
  const seen = new Set<number>();
  const twice = logs.flatMap(({ taken }) => taken).filter((one) => seen.has(one) || !seen.add(one));
  const here = new Set([...seen, ...left.map(({ number }) => number)]);
  const failed: Record<string, number> = {};
  for (const [code, count] of logs.flatMap((log) => Object.entries(log.failed)))
    failed[code] = (failed[code] ?? 0) + count;
  return {
    ...{ orders, twice, failed },
    taken: logs.map(({ taken }) => taken.length),
    missing: Array.from({ length: orders }, (_, i) => i + 1).filter((number) => !here.has(number)),
    outOfOrder: logs.reduce(
      (sum, { taken }) => sum + taken.filter((one, i) => i > 0 && one < (taken[i - 1] as number)).length,
      0,
    ),
  };
}
