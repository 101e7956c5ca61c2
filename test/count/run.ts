/** Two Node-RED instances count messages on one key, cut off again and again. One of them is killed on the way. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../../src/index';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { NodeRed, newUserDir } from '../support/node-red';
import { countingFlow, readFates } from './flow';

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
  /** Values that left by an output more than once. */
  twice: number[];
  /** How many counts have no message that left by the output. */
  alone: number;
  connections: number;
  seconds: number;
}

export async function runCount({ messages, cutEvery, roundTrip = 0 }: CountOptions): Promise<CountReport> {
  const begin = performance.now();
  const directory = mkdtempSync(join(tmpdir(), 'count-'));
  const emulator = await EmulatorProcess.start('recognised');
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
    await nodeRed.deploy(flows.flat());
  }
  const cuts = proxies.map((proxy) =>
    setInterval(() => proxy.cut(), Math.max(cutEvery, ROUND_TRIPS_BETWEEN_CUTS * 2 * proxy.delay)),
  );
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
    ...tally(all, got.found ? Number(got.value) : 0),
    ...{ connections, seconds: Math.round((performance.now() - begin) / 1000) },
  };
}

function tally(
  all: ReturnType<typeof readFates>[],
  final: number,
): Omit<CountReport, 'connections' | 'seconds'> {
  const failed: Record<string, number> = {};
  for (const [code, count] of all.flatMap((one) => Object.entries(one.failed)))
    failed[code] = (failed[code] ?? 0) + count;
  const values = all.flatMap((one) => one.counted);
  const different = new Set<number>();
  const twice = values.filter((value) => different.has(value) || !different.add(value));
  const sent = all.reduce((sum, one) => sum + one.sent, 0);
  const failures = Object.values(failed).reduce((sum, count) => sum + count, 0);
  return {
    ...{ sent, failed, final, counted: values.length, died: sent - values.length - failures },
    twice,
    alone: final - different.size,
  };
}

/** Why this is not right; blank when it is. */
export function faultOf({ counted, failed, died, final, twice, alone }: CountReport): string {
  const unknown = (failed.OUTCOME_UNKNOWN ?? 0) + died;
  if (twice.length > 0) return `${twice.length} values left twice`;
  if (counted > final) return `${counted - final} messages left and are not counted`;
  if (alone > unknown)
    return `${alone} counts without a message, but only ${unknown} messages of unknown outcome`;
  return '';
}
