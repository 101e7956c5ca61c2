/**
 * What locks, updates and roles cost, as ratios within one run: docs/benchmarks.md.
 *
 *   npm run bench:coordination [-- updates | locks | hand-over | growth | crowd | candidates]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Emulator, Lock, StateStoreClient, update } from '../src/index';
import { Server } from './children';
import type { Answer, Order } from './coordination-worker';
import { median } from './measure';

const ROUNDS = 5;

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
async function compareUpdates(store: StateStoreClient): Promise<void> {
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
    lock.withLock(async ({ token }) => {
      const got = await store.get('naive');
      const value = plusOne(got.found ? got.value : undefined);
      await store.set('naive', value, token === undefined ? {} : { fencingToken: token });
    });
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
    if (round === 0) continue; // warm-up
    fast.push(5000 / updates);
    many.push(5000 / thousand);
    plain.push(5000 / sets);
    slow.push(200 / naive);
  }
  const perSecond = (values: number[]) => Math.round(median(values) * 1000);
  console.log(`updates of one key, 256 in flight: ${perSecond(fast)}/s`);
  console.log(`updates of 256 keys at a time: ${perSecond(many)}/s`);
  console.log(`plain sets, 256 in flight: ${perSecond(plain)}/s`);
  console.log(`lock, get, set, unlock for each, in sequence: ${perSecond(slow)}/s`);
  console.log(`updates / in sequence: ${show(median(fast) / median(slow), 1)} (goal >= 10)`);
}

/** Lock and unlock when nobody else wants it, against a SET and a DEL. */
async function compareLocks(store: StateStoreClient): Promise<void> {
  const lock = new Lock(store, 'free/lock');
  const ratios: number[] = [];
  for (let round = 0; round <= 2 * ROUNDS; round++) {
    const requests = await timed(async () => {
      for (let i = 0; i < 300; i++) {
        await store.set('plain', 'v');
        await store.delete('plain');
      }
    });
    const locks = await timed(async () => {
      for (let i = 0; i < 300; i++) await (await lock.acquire())?.release();
    });
    if (round === 0) continue;
    ratios.push(locks / requests);
  }
  console.log(`lock and unlock / SET and DEL: ${show(median(ratios))} (goal <= 1.3)`);
}

/** From one process to another, against a single SET: both after a pause, from which processors and processes wake slowly. */
async function measureHandOver(store: StateStoreClient, port: number): Promise<void> {
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
  const roundTrip = median(roundTrips);
  console.log(
    `hand-over between two processes: p50 ${show(median(times))} ms, worst ${show(worst(times))} ms; a round trip takes ${show(roundTrip)} ms: ${show(median(times) / roundTrip)} of them (goal <= 3)`,
  );
  await Promise.all([a.kill(), b.kill()]);
}

/** Five processes with a hundred waiters each, several times. */
async function measureCrowd(emulator: Emulator): Promise<void> {
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
  const shares = seen.flatMap((one) => one.shares);
  console.log(
    `500 waiters from 5 processes, ${ROUNDS} times: ${seen.map(({ served }) => served).join(', ')} served in ${seen.map(({ ms }) => Math.round(ms)).join(', ')} ms, ${show(requests / (500 * ROUNDS))} requests each; of the first 250 each process had ${Math.min(...shares)} to ${Math.max(...shares)} (fair: 50, goal 25 to 100): ${seen.map((one) => one.shares.join(', ')).join('; ')}`,
  );
  await Promise.all(workers.map((worker) => worker.kill()));
}

/** Two hundred candidates for one role, whose active one is killed. */
async function measureCandidates(emulator: Emulator): Promise<void> {
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
  console.log(
    `200, 150, 100 candidates, lease ${duration} ms, the active one killed: taken over after ${times.map((ms) => Math.round(ms)).join(', ')} ms (goal <= ${duration + 500}), ${requests.map((one) => show(one)).join(', ')} requests per candidate (goal <= 3)`,
  );
  await Promise.all(workers.map((worker) => worker.kill()));
}

/** A hundred thousand times. */
async function measureGrowth(store: StateStoreClient): Promise<void> {
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
  console.log(
    `100,000 locks and unlocks: heap ${show(after.heap - before.heap, 1)} MB, timers ${before.timers} -> ${after.timers}, listeners ${before.listeners} -> ${after.listeners}`,
  );
}

/** With a store, on an emulator in a process of its own. */
const WITH_STORE = {
  updates: compareUpdates,
  locks: compareLocks,
  'hand-over': measureHandOver,
  growth: measureGrowth,
};
/** With an emulator whose requests are counted. */
const WITH_EMULATOR = { crowd: measureCrowd, candidates: measureCandidates };

async function main(): Promise<void> {
  const [, , wanted] = process.argv;
  const isWanted = ([name]: [string, unknown]) => wanted === undefined || wanted === name;
  for (const [, part] of Object.entries(WITH_STORE).filter(isWanted)) {
    const server = await Server.start('emulator');
    const store = new StateStoreClient({ host: '127.0.0.1', port: server.port });
    await store.connect();
    await part(store, server.port);
    await store.close();
    await server.stop();
  }
  for (const [, part] of Object.entries(WITH_EMULATOR).filter(isWanted)) {
    const emulator = await Emulator.start({ port: 0 });
    await part(emulator);
    await emulator.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
