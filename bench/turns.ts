/** Who gets a lock, near to the store and far from it, and what a handover costs. */
import { setTimeout as pause } from 'node:timers/promises';
import { Lock } from '../src/coordination/index';
import type { Emulator } from '../src/emulator/index';
import { StateStoreClient } from '../src/index';
import { CountingClient } from '../test/support/counting-client';
import { FaultProxy } from '../test/support/fault-proxy';
import type { Finding } from './finding';

const SECONDS = 25;
/** Milliseconds of the far client. */
const ROUND_TRIP = 100;
/** How many round trips a turn takes at least: one to acquire, one to release. */
const ROUND_TRIPS = 2;
/** Clients that take turns at one lock, and handovers that are counted. */
const CROWDS = [5, 20, 80];
const HANDOVERS = 480;

/** Two near clients and a far one use a lock for as long as they can. */
export async function measureFairness(emulator: Emulator): Promise<Finding[]> {
  const proxy = await FaultProxy.start(() => emulator.port);
  proxy.delay = ROUND_TRIP / 2;
  const ports = { 'near 1': emulator.port, 'near 2': emulator.port, far: proxy.port };
  const end = performance.now() + SECONDS * 1000;
  let failed = 0;
  const turnsOf = async (port: number) => {
    const store = new StateStoreClient({ host: '127.0.0.1', port });
    const lock = new Lock(store, 'fair/lock');
    let turns = 0;
    while (performance.now() < end) {
      const hold = await lock.acquire({ timeout: 10_000 }).catch(() => undefined);
      if (!hold) failed++;
      else turns++;
      await hold?.release();
    }
    await store.close();
    return turns;
  };
  const turns = await Promise.all(Object.values(ports).map(turnsOf));
  await proxy.close();
  const possible = (SECONDS * 1000) / (ROUND_TRIPS * ROUND_TRIP);
  const far = turns.at(-1) ?? 0;
  return [
    {
      what: `turns at one lock in ${SECONDS} s: two near clients, and one with a round trip of ${ROUND_TRIP} ms`,
      measured: `${turns.join(', ')}, ${failed} failed; the round trip allows ${possible}`,
      ...{ goal: `far >= ${Math.ceil(possible / 3)}, 0 failed`, met: far >= possible / 3 && failed === 0 },
    },
  ];
}

/** Requests of all clients for each handover, when so many wait. */
export async function measureHandovers(emulator: Emulator): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const count of CROWDS) {
    const stores = Array.from(
      { length: count },
      () => new CountingClient({ host: '127.0.0.1', port: emulator.port }),
    );
    const take = (each: number) =>
      Promise.all(
        stores.map(async (store) => {
          const lock = new Lock(store, `crowd/${count}`);
          for (let i = 0; i < each; i++) await lock.withLock(() => pause(1), { timeout: 120_000 });
        }),
      );
    // All of them observe the key afterwards.
    await take(1);
    for (const store of stores) store.requests = 0;
    await take(HANDOVERS / count);
    const requests = stores.reduce((sum, store) => sum + store.requests, 0) / HANDOVERS;
    findings.push({
      what: `requests for each handover, ${count} clients at one lock`,
      measured: requests.toFixed(2),
      ...{ goal: '<= 4', met: requests <= 4 },
    });
    await Promise.all(stores.map((store) => store.close()));
  }
  return findings;
}
