/**
 * Two Node-RED instances count messages on one key, cut off again and again. One of them is killed on the way. Their event loops are blocked, they set
 * thousands of other keys at once, and the broker restarts with and without its memory.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../../src/index';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { NodeRed, newUserDir } from '../support/node-red';
import { Random } from '../support/random';
import { type Counted, countingFlow, readFates, troubleFlow } from './flow';

const KEY = 'count';
/** Seconds. Each flow has another lease. */
const LEASES = [1, 3, 10];
/** A client needs four round trips to be back in its session, and more until an update is made. */
const ROUND_TRIPS_BETWEEN_CUTS = 20;
const IN_FLIGHT = 100;

export interface CountOptions {
  /** Messages of each flow. */
  messages: number;
  /** Milliseconds between two cuts of all connections of a Node-RED; at least 20 round trips. */
  cutEvery: number;
  /** Milliseconds between two faults: a restart, a blocked event loop or a burst. */
  faultEvery: number;
  seed: number;
  /** Milliseconds that are added to the round trip of the second Node-RED. */
  roundTrip?: number;
}

/** What was seen. */
export interface CountReport {
  /** Messages of all flows. */
  sent: number;
  /** Messages that left by the output. */
  counted: number;
  /** Errors by code. */
  failed: Record<string, number>;
  /** Messages that were in the process that was killed. */
  died: number;
  /** What the key holds in the end. */
  final: number;
  /** Values that left by an output more than once, although the store kept its memory between them. */
  twice: number[];
  /** How many counts have no message that left by the output. */
  alone: number;
  /** Messages that left by the output with a value beyond the last one. */
  beyond: number;
  faults: Record<string, number>;
  connections: number;
  seconds: number;
}

export async function runCount(options: CountOptions): Promise<CountReport> {
  const { messages, cutEvery, faultEvery, seed, roundTrip = 0 } = options;
  const random = new Random(seed, 'count');
  const begin = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'count-'));
  let file = join(directory, '0.store');
  let emulator = await EmulatorProcess.start('recognised', file);
  const proxies = [await FaultProxy.start(() => emulator.port), await FaultProxy.start(() => emulator.port)];
  if (proxies[1]) proxies[1].delay = roundTrip / 2;
  const userDirs = [newUserDir(), newUserDir()];
  const nodeReds = await Promise.all(userDirs.map((userDir) => NodeRed.start({ userDir })));
  const logs: string[] = [];
  for (const [i, nodeRed] of nodeReds.entries()) {
    const flows = LEASES.map((lease, flow) => {
      const id = `count-${i}-${flow}`;
      const log = join(directory, `${id}.log`);
      logs.push(log);
      return countingFlow({
        ...{ id, log, lease, key: KEY, messages, inFlight: IN_FLIGHT, port: proxies[i]?.port as number },
      });
    });
    const trouble = troubleFlow({ id: `trouble-${i}`, store: `count-${i}-0-store` });
    await nodeRed.deploy([...flows.flat(), ...trouble]);
  }
  /** When the store lost its memory, in milliseconds since 1970. */
  const losses: number[] = [];
  const restart = async (kept: boolean) => {
    await emulator.kill();
    if (!kept) {
      losses.push(Date.now());
      file = join(directory, `${losses.length}.store`);
    }
    emulator = await EmulatorProcess.start('recognised', file);
  };
  const trouble = async (i: number, name: string) => {
    // It may be down.
    await nodeReds[i]?.api('POST', `/inject/trouble-${i}-${name}`).catch(() => undefined);
  };
  const faults: Record<string, () => Promise<void>> = {
    'broker restarted with its memory': () => restart(true),
    'broker restarted without its memory': () => restart(false),
    'blocked event loop': () => trouble(random.between(0, 1), 'block'),
    burst: () => trouble(random.between(0, 1), 'burst'),
  };
  const seen: Record<string, number> = {};
  const cuts = proxies.map((proxy) =>
    setInterval(() => proxy.cut(), Math.max(cutEvery, ROUND_TRIPS_BETWEEN_CUTS * 2 * proxy.delay)),
  );
  let stopped = false;
  const faulting = (async () => {
    // Each kind of fault in turn, in an order of chance.
    let left: string[] = [];
    for (;;) {
      await pause(faultEvery);
      if (stopped) return;
      if (left.length === 0) left = Object.keys(faults);
      const [kind = ''] = left.splice(random.between(0, left.length - 1), 1);
      seen[kind] = (seen[kind] ?? 0) + 1;
      await faults[kind]?.();
    }
  })();
  const fates = () => logs.map(readFates);
  const until = async (reached: () => boolean) => {
    while (!reached()) await pause(50);
  };
  // In the middle of what the first one does.
  const sentByFirst = () => logs.slice(0, LEASES.length).reduce((sum, log) => sum + readFates(log).sent, 0);
  await until(() => sentByFirst() > (messages * LEASES.length) / 3);
  await nodeReds[0]?.end('SIGKILL');
  nodeReds[0] = await NodeRed.start({ userDir: userDirs[0] as string });
  await until(() => fates().every((one) => one.ended && one.sent === messages));
  stopped = true;
  await faulting;
  for (const cut of cuts) clearInterval(cut);
  for (const nodeRed of nodeReds) await nodeRed.stop();
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  const got = await store.get(KEY);
  await store.close();
  const connections = proxies.reduce((sum, { accepted }) => sum + accepted, 0);
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await emulator.kill();
  const all = fates();
  for (const path of [directory, ...userDirs]) rmSync(path, { recursive: true, force: true });
  return {
    ...tally(all, losses, got.found ? Number(got.value) : 0),
    ...{ faults: seen, connections, seconds: Math.round((performance.now() - begin) / 1000) },
  };
}

function tally(
  all: ReturnType<typeof readFates>[],
  losses: number[],
  final: number,
): Omit<CountReport, 'connections' | 'seconds' | 'faults'> {
  const failed: Record<string, number> = {};
  for (const [code, count] of all.flatMap((one) => Object.entries(one.failed)))
    failed[code] = (failed[code] ?? 0) + count;
  const counted = all.flatMap((one) => one.counted);
  const unversioned = counted.filter(({ at }) => Number.isNaN(at));
  if (unversioned.length > 0) throw new Error(`${unversioned.length} counted messages have no version`);
  const sent = all.reduce((sum, one) => sum + one.sent, 0);
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  return {
    ...{ sent, failed, final, counted: counted.length, died: sent - counted.length - failures },
    ...compareCounts(counted, losses, final),
  };
}

/**
 * Compares what left by the outputs with what the store had. After each loss of its memory the store counts from the first value that it gets.
 * `final`: what it holds in the end.
 */
export function compareCounts(
  counted: Counted[],
  losses: number[],
  final: number,
): Pick<CountReport, 'twice' | 'alone' | 'beyond'> {
  const ends = [...losses, Number.POSITIVE_INFINITY];
  const result = { twice: [] as number[], alone: 0, beyond: 0 };
  for (const [i, end] of ends.entries()) {
    const begin = ends[i - 1] ?? 0;
    const values = counted.filter(({ at }) => at >= begin && at < end).map(({ value }) => value);
    const different = new Set<number>();
    result.twice.push(...values.filter((value) => different.has(value) || !different.add(value)));
    const isLast = i === ends.length - 1;
    const all = [...different, ...(isLast ? [final] : [])];
    const first =
      i === 0 ? 1 : all.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const last = isLast ? final : all.reduce((most, value) => Math.max(most, value), 0);
    if (all.length > 0) result.alone += Math.max(0, last - first + 1 - different.size);
    result.beyond += values.filter((value) => value > last).length;
  }
  return result;
}

/** Why this is not right; blank when it is. */
export function faultOf({ failed, died, beyond, twice, alone }: CountReport): string {
  const unknown = (failed.OUTCOME_UNKNOWN ?? 0) + died;
  if (twice.length > 0) return `${twice.length} values left twice`;
  if (beyond > 0) return `${beyond} messages left and are not counted`;
  if (alone > unknown)
    return `${alone} counts without a message, but only ${unknown} messages of unknown outcome`;
  return '';
}
