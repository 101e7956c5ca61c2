/** What locks, updates and roles cost, as ratios within one run. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Lock, update } from '../src/coordination/index';
import { Emulator } from '../src/emulator/index';
import { StateStoreClient } from '../src/index';
import { ContenderProcess, Server } from './children';
import { updateNode } from './contenders/flows';
import type { Answer, Order } from './coordination-worker';
import type { Finding, Part } from './finding';
import { median } from './measure';
import { measureFairness, measureHandovers } from './turns';

const ROUNDS = 5;
/** Locks of a round, one after the other. */
const LOCKS = 1000;

async function timed(action: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

const worst = (values: number[]) => Math.max(...values);
const show = (value: number, digits = 2) => value.toFixed(digits);

class Worker {
  readonly #child: ChildProcess;
  readonly actives: bigint[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      if (answer.active) this.actives.push(BigInt(answer.at[0] as string));
    });
  }

  static async start(port: number): Promise<Worker> {
    const child = fork(join(__dirname, 'coordination-worker'), [String(port)]);
    const worker = new Worker(child);
    await once(child, 'message');
    return worker;
  }

  async ask(order: Order): Promise<bigint[]> {
    this.#child.send(order);
    for (;;) {
      const [answer] = (await once(this.#child, 'message')) as [Answer];
      if (!answer.active) return answer.at.map(BigInt);
    }
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Updates of one key, many at a time, against lock, get, set and unlock for each, one after the other. */
async function compareUpdates(store: StateStoreClient, port: number): Promise<Finding[]> {
  const plusOne = (value: Buffer | undefined) => String(Number(value ?? 0) + 1);
  const lanes = async (count: number, one: (lane: number) => Promise<unknown>) => {
    let left = count;
    await Promise.all(
      Array.from({ length: 256 }, async (_, lane) => {
        while (left-- > 0) await one(lane);
      }),
    );
  };
  const lock = new Lock(store, 'naive/lock');
  const naively = () =>
    lock.withLock(async ({ fencingToken: token }) => {
      const got = await store.get('naive');
      const value = plusOne(got.found ? got.value : undefined);
      await store.set('naive', value, token === undefined ? {} : { fencingToken: token });
    });
  const node = await ContenderProcess.startFlow('update', updateNode(port));
  const throughNode: number[] = [];
  const [fast, slow, many, plain]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const updates = await timed(() => lanes(5000, () => update(store, 'counter', plusOne)));
    const thousand = await timed(() =>
      lanes(5000, (lane) => update(store, `counter/${lane}/${(round * 7) % 4}`, plusOne)),
    );
    const sets = await timed(() => lanes(5000, () => store.set('plain', 'v')));
    const naive = await timed(async () => {
      for (let i = 0; i < 200; i++) await naively();
    });
    const { perSecond } = await node.measure({ operation: 'SET', size: 16, inFlight: 256, ms: 500 });
    if (round === 0) continue; // warm-up
    throughNode.push(perSecond / 1000);
    fast.push(5000 / updates);
    many.push(5000 / thousand);
    plain.push(5000 / sets);
    slow.push(200 / naive);
  }
  await node.stop();
  const perSecond = (values: number[]) => `${Math.round(median(values) * 1000)}/s`;
  const sequence = median(slow);
  const against = (values: number[]): Partial<Finding> => {
    const ratio = median(values) / sequence;
    return {
      measured: `${perSecond(values)}, ${show(ratio, 1)} times`,
      goal: '>= 10 times',
      met: ratio >= 10,
    };
  };
  return [
    { what: 'lock, get, set, unlock for each message, in sequence', measured: perSecond(slow) },
    { what: '`update` of one key, 256 in flight', measured: '', ...against(fast) },
    { what: 'the same through the *update* node', measured: '', ...against(throughNode) },
    { what: '`update` of 256 keys at a time', measured: perSecond(many) },
    { what: 'plain `set`, 256 in flight', measured: perSecond(plain) },
  ];
}

/** Lock and unlock without contention, compared with a SET and a DEL. The first rounds do not count: Node.js compiles the code of both in them. */
async function compareLocks(store: StateStoreClient): Promise<Finding[]> {
  const lock = new Lock(store, 'free/lock');
  const ratios: number[] = [];
  for (let round = -ROUNDS; round < 2 * ROUNDS; round++) {
    const requests = await timed(async () => {
      for (let i = 0; i < LOCKS; i++) {
        await store.set('plain', 'v');
        await store.delete('plain');
      }
    });
    const locks = await timed(async () => {
      for (let i = 0; i < LOCKS; i++) await (await lock.acquire())?.release();
    });
    if (round >= 0) ratios.push(locks / requests);
  }
  const ratio = median(ratios);
  const what = 'time of lock and unlock / SET and DEL, one after the other';
  const figure = { name: 'locks', value: ratio } as const;
  return [{ what, measured: show(ratio), goal: '<= 1.2', met: ratio <= 1.2, figure }];
}

/** From one process to another, against a single SET: both after a pause, from which processors and processes wake slowly. */
async function measureHandOver(store: StateStoreClient, port: number): Promise<Finding[]> {
  const [a, b] = [await Worker.start(port), await Worker.start(port)];
  const times: number[] = [];
  const roundTrips: number[] = [];
  let [holder, waiter] = [a, b];
  await holder.ask({ do: 'acquire', key: 'passed/lock' });
  for (let i = 0; i < 60; i++) {
    const got = waiter.ask({ do: 'acquire', key: 'passed/lock' });
    await pause(30); // until it waits
    roundTrips.push(await timed(() => store.set('plain', 'v')));
    await pause(30);
    const [released] = await holder.ask({ do: 'release' });
    const [acquired] = await got;
    times.push(Number((acquired as bigint) - (released as bigint)) / 1e6);
    [holder, waiter] = [waiter, holder];
  }
  await Promise.all([a.kill(), b.kill()]);
  const ratio = median(times) / median(roundTrips);
  return [
    {
      what: 'hand-over from one process to another, p50',
      measured: `${show(median(times))} ms (worst ${show(worst(times))}), ${show(ratio, 1)} round trips of ${show(median(roundTrips))} ms`,
      ...{ goal: '<= 3 round trips', met: ratio <= 3 },
    },
  ];
}

/** Five processes with a hundred waiters each, several times. */
async function measureCrowd(emulator: Emulator): Promise<Finding[]> {
  const workers = await Promise.all(Array.from({ length: 5 }, () => Worker.start(emulator.port)));
  let requests = 0;
  const count = () => requests++;
  const seen: { served: number; ms: number; shares: number[] }[] = [];
  emulator.on('change', count);
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  for (let round = 0; round < ROUNDS; round++) {
    const key = `crowd/lock/${round}`;
    // All of them wait before the first one has it.
    const hold = await new Lock(store, key).acquire();
    const crowd = workers.map((worker) => worker.ask({ do: 'crowd', key, waiters: 100 }));
    await pause(1000);
    await hold?.release();
    const served = await Promise.all(crowd);
    const all = served
      .flatMap((times, index) => times.map((at) => ({ at, index })))
      .sort((x, y) => (x.at < y.at ? -1 : 1));
    seen.push({
      served: all.length,
      ms: Number((all.at(-1)?.at ?? 0n) - (all[0]?.at ?? 0n)) / 1e6,
      shares: workers.map((_, index) => all.slice(0, 250).filter((one) => one.index === index).length),
    });
  }
  emulator.off('change', count);
  await store.close();
  await Promise.all(workers.map((worker) => worker.kill()));
  const shares = seen.flatMap((one) => one.shares);
  const [least, most] = [Math.min(...shares), Math.max(...shares)];
  const allServed = seen.every(({ served }) => served === 500);
  return [
    {
      what: `500 waiters for one lock from 5 processes, ${ROUNDS} times: served`,
      measured: `${allServed ? 'all' : 'NOT ALL'}, in ${Math.round(median(seen.map(({ ms }) => ms)))} ms (p50), ${show(requests / (500 * ROUNDS))} requests each`,
      ...{ goal: 'all', met: allServed },
    },
    {
      what: 'share of one process in the first 250 (fair: 50)',
      measured: `${least} to ${most}, median ${median(shares)}`,
      ...{ goal: '25 to 100', met: least >= 25 && most <= 100 },
    },
  ];
}

/** A thousand keys updated at once, against one after the other; the emulator is in this process, so its share is in both. */
async function measureKeys(emulator: Emulator): Promise<Finding[]> {
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, timeout: 60_000 });
  await store.connect();
  const plusOne = (value: Buffer | undefined) => String(Number(value ?? 0) + 1);
  let requests = 0;
  const count = () => requests++;
  emulator.on('change', count);
  const cost = async (action: () => Promise<unknown>) => {
    requests = 0;
    const before = process.cpuUsage();
    await action();
    const { user, system } = process.cpuUsage(before);
    return { requests: requests / 1000, cpu: (user + system) / 1000 };
  };
  const keys = Array.from({ length: 1000 }, (_, i) => i);
  const ratios: number[] = [];
  const seen: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const alone = await cost(async () => {
      for (const i of keys) await update(store, `alone/${round}/${i}`, plusOne);
    });
    const together = await cost(() =>
      Promise.all(keys.map((i) => update(store, `together/${round}/${i}`, plusOne))),
    );
    if (round === 0) continue;
    ratios.push(together.cpu / alone.cpu);
    seen.push(together.requests);
  }
  emulator.off('change', count);
  await store.close();
  const ratio = median(ratios);
  return [
    {
      what: 'CPU of an update, 1,000 keys at once / one after the other',
      measured: `${show(ratio)}, ${show(median(seen))} requests each`,
      ...{ goal: '<= 1', met: ratio <= 1 },
    },
  ];
}

/** Two hundred candidates for one role, whose active one is killed. */
async function measureCandidates(emulator: Emulator): Promise<Finding[]> {
  const duration = 2000;
  const workers = await Promise.all(Array.from({ length: 4 }, () => Worker.start(emulator.port)));
  await Promise.all(
    workers.map((worker) => worker.ask({ do: 'candidates', role: 'role/many', count: 50, duration })),
  );
  const requests: number[] = [];
  const times: number[] = [];
  while (workers.length > 1) {
    await pause(2 * duration);
    const active = workers.reduce((latest, one) =>
      (one.actives.at(-1) ?? 0n) > (latest.actives.at(-1) ?? 0n) ? one : latest,
    );
    let count = 0;
    const counter = () => count++;
    emulator.on('change', counter);
    const begin = process.hrtime.bigint();
    const others = workers.filter((one) => one !== active);
    await active.kill();
    const before = others.map((one) => one.actives.length);
    while (others.every((one, i) => one.actives.length === before[i])) await pause(5);
    const took =
      Math.min(...others.map((one) => Number((one.actives.at(-1) ?? 0n) - begin)).filter((ns) => ns > 0)) /
      1e6;
    await pause(500);
    emulator.off('change', counter);
    requests.push(count / (50 * others.length));
    times.push(took);
    workers.splice(0, workers.length, ...others);
  }
  await Promise.all(workers.map((worker) => worker.kill()));
  return [
    {
      what: `200, 150, 100 candidates, the active one killed, lease ${duration} ms: taken over after`,
      measured: `${times.map((ms) => Math.round(ms)).join(', ')} ms`,
      ...{ goal: `<= ${duration + 500} ms`, met: worst(times) <= duration + 500 },
    },
    {
      what: 'requests of each candidate for that',
      measured: requests.map((one) => show(one)).join(', '),
      ...{ goal: '<= 3', met: worst(requests) <= 3 },
    },
  ];
}

/** A hundred thousand times. */
async function measureGrowth(store: StateStoreClient): Promise<Finding[]> {
  const lock = new Lock(store, 'often/lock');
  const cycle = async (count: number) => {
    for (let i = 0; i < count; i += 10)
      await Promise.all(Array.from({ length: 10 }, () => lock.withLock(() => undefined)));
  };
  const look = () => {
    global.gc?.();
    global.gc?.();
    const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    return {
      heap: process.memoryUsage().heapUsed / 2 ** 20,
      timers,
      listeners: store.listenerCount('state'),
    };
  };
  await cycle(5000);
  const before = look();
  await cycle(100_000);
  const after = look();
  const heap = after.heap - before.heap;
  return [
    {
      what: '100,000 locks and unlocks: growth of the heap, timers, listeners',
      measured: `${show(heap, 1)} MB, ${after.timers - before.timers}, ${after.listeners - before.listeners}`,
      goal: 'none',
      met: heap < 1 && after.timers <= before.timers && after.listeners <= before.listeners,
    },
  ];
}

/** With a store, on an emulator in a process of its own. */
function onServer(measure: (store: StateStoreClient, port: number) => Promise<Finding[]>): Part {
  return async () => {
    const server = await Server.start('emulator');
    const store = new StateStoreClient({ host: '127.0.0.1', port: server.port });
    await store.connect();
    const findings = await measure(store, server.port);
    await store.close();
    await server.stop();
    return findings;
  };
}

/** With an emulator whose requests are counted. */
function onEmulator(measure: (emulator: Emulator) => Promise<Finding[]>): Part {
  return async () => {
    const emulator = await Emulator.start({ port: 0 });
    const findings = await measure(emulator);
    await emulator.close();
    return findings;
  };
}

/** What is measured, by name. */
export const PARTS: Record<string, Part> = {
  updates: onServer(compareUpdates),
  locks: onServer(compareLocks),
  'hand-over': onServer(measureHandOver),
  growth: onServer(measureGrowth),
  keys: onEmulator(measureKeys),
  crowd: onEmulator(measureCrowd),
  candidates: onEmulator(measureCandidates),
  fairness: onEmulator(measureFairness),
  handovers: onEmulator(measureHandovers),
};
