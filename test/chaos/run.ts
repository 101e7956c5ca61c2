/** Three candidates for one role in three processes, cut off, frozen, killed and restarted; now and then the broker, too. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { Random } from '../support/random';
import type { Act, Trouble } from './candidate';

const ROLE = 'role/chaos';
const KEY = 'valve';
/** Candidates; one of them is far away from the store. In milliseconds. */
const CANDIDATES = [
  { name: 'left', roundTrip: 0 },
  { name: 'middle', roundTrip: 200 },
  { name: 'right', roundTrip: 0 },
];
/** Their leases, in milliseconds: of one run in four, and of all others, in which the role changes hands more often. */
const LEASES_MS = { long: [1000, 3000, 10_000], short: [1000, 2000, 3000] };
const LEASE_MS = 1000;
/** How long a takeover may last beyond the lease of the candidate that ended, in milliseconds. */
const ALLOWED_MS = 500;
/** How long a candidate may need to be back after a fault, in milliseconds. */
const RECOVERY_MS = 2000;

export interface ChaosOptions {
  seconds: number;
  /** Whether the broker is restarted now and then, which empties the store. */
  restarts: boolean;
  seed: number;
}

/** What was seen. */
export interface ChaosReport {
  faults: Record<string, number>;
  /** How often an active candidate acted. */
  acts: number;
  /** How often another candidate became active. */
  changes: number;
  /** Milliseconds in which two candidates that were not frozen acted, and what was seen then. */
  overlap: number;
  overlaps: string[];
  /** Writes that an observer saw out of the order of their tokens. */
  disorder: string[];
  writes: number;
  /** Milliseconds in which no candidate acted, the longest time. */
  longestGap: number;
  /**
   * Milliseconds beyond the lease of the candidate that ended and half a second, the longest time; without times in which the store was
   * away or candidates were cautious, or in which every candidate suffered from a fault.
   */
  longestExcess: number;
}

/** What one candidate did while it was active without a break. */
interface Reign {
  name: string;
  /** Milliseconds. */
  lease: number;
  begin: bigint;
  end: bigint;
}

class Candidate {
  readonly name: string;
  readonly proxy: FaultProxy;
  readonly lease: number;
  readonly reigns: Reign[] = [];
  /** Frozen from here on. Later actions in the same reign do not count. */
  frozenAt: bigint | undefined;
  acts = 0;
  /** Of the process, when it acted last. */
  #term: number | undefined;
  #child: ChildProcess | undefined;

  constructor(name: string, lease: number, proxy: FaultProxy) {
    this.name = name;
    this.lease = lease;
    this.proxy = proxy;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Resolves when it is connected for the first time, and would notice a loss of the store's memory. */
  async start(): Promise<void> {
    this.frozenAt = undefined;
    this.#term = undefined;
    const child = fork(join(__dirname, 'candidate.js'), [
      ...[String(this.proxy.port), ROLE, KEY, this.name, String(this.lease)],
    ]);
    this.#child = child;
    await new Promise<void>((resolve) => {
      child.on('message', (told: Act | 'connected') => {
        if (told === 'connected') resolve();
        else this.#onAct(BigInt(told.at), told.term);
      });
    });
  }

  trouble(trouble: Trouble): void {
    this.#child?.send(trouble);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** A reign ends when the candidate changes to standby or its process ends. With a longer pause than its lease it did not act meanwhile. */
  #onAct(at: bigint, term: number): void {
    this.acts++;
    const last = this.reigns.at(-1);
    const isNew = !last || term !== this.#term || at - last.end > BigInt(this.lease) * 1_000_000n;
    this.#term = term;
    if (isNew) this.reigns.push({ name: this.name, lease: this.lease, begin: at, end: at });
    else if (this.frozenAt === undefined || at < this.frozenAt) last.end = at;
    if (isNew) this.frozenAt = undefined;
  }
}

export async function runChaos({ seconds, restarts, seed }: ChaosOptions): Promise<ChaosReport> {
  const random = new Random(seed, 'chaos');
  const leases = random.between(1, 4) === 1 ? LEASES_MS.long : LEASES_MS.short;
  let emulator = await EmulatorProcess.start('executed');
  let observer = await observeTokens(emulator.port);
  const candidates = await Promise.all(
    CANDIDATES.map(async ({ name, roundTrip }, i) => {
      const proxy = await FaultProxy.start(() => emulator.port);
      proxy.delay = roundTrip / 2;
      return new Candidate(name, leases[i] as number, proxy);
    }),
  );
  await Promise.all(candidates.map((candidate) => candidate.start()));
  const faults: Record<string, number> = {};
  const disorder: string[] = [];
  let writes = 0;
  let busy: Promise<void>[] = [];
  let restarting = false;
  let starting = 0;

  const outages: Outage[] = [];
  const outage = async (during: () => Promise<void>, more: number) => {
    const one: Outage = { begin: process.hrtime.bigint(), end: undefined };
    outages.push(one);
    await during();
    one.end = process.hrtime.bigint() + BigInt(more) * 1_000_000n;
  };
  const restartBroker = async () => {
    restarting = true;
    while (starting > 0) await pause(10);
    await observer.close();
    disorder.push(...observer.disorder);
    writes += observer.writes;
    await emulator.kill();
    emulator = await EmulatorProcess.start('executed');
    observer = await observeTokens(emulator.port);
    await pause(2 * LEASE_MS);
    restarting = false;
  };
  const breakDown: Record<string, (candidate: Candidate) => Promise<void>> = {
    cut: async ({ proxy }) => proxy.cut(),
    reset: async ({ proxy }) => proxy.reset(),
    'half open': async ({ proxy }) => proxy.halfOpen(),
    'frozen connection': async ({ proxy }) => {
      proxy.frozen = true;
      await pause(random.between(100, 3 * LEASE_MS));
      proxy.heal();
    },
    'frozen process': async (candidate) => {
      candidate.frozenAt = process.hrtime.bigint();
      candidate.signal('SIGSTOP');
      await pause(random.between(LEASE_MS / 2, 3 * LEASE_MS));
      candidate.signal('SIGCONT');
    },
    kill: async (candidate) => {
      await candidate.kill();
      await pause(random.between(100, 2 * LEASE_MS));
      // One that connects for the first time right after a restart cannot know that the store lost its memory just now.
      while (restarting) await pause(100);
      starting++;
      await candidate.start();
      starting--;
    },
    'broker restarted': async () => {
      if (!restarting) await outage(restartBroker, Math.max(...leases) + RECOVERY_MS);
    },
    'broker away, and back with its memory': () =>
      outage(async () => {
        for (const { proxy } of candidates) {
          proxy.refusing = true;
          proxy.reset();
        }
        await pause(random.between(100, 2 * LEASE_MS));
        for (const { proxy } of candidates) proxy.refusing = false;
      }, RECOVERY_MS),
    'blocked event loop': async (candidate) => {
      const blockMs = random.between(100, 3 * LEASE_MS);
      candidate.trouble({ blockMs });
      await pause(blockMs);
    },
    'active one killed': (candidate) => breakDown.kill?.(candidate) ?? Promise.resolve(),
    burst: async (candidate) => {
      candidate.trouble({ burst: 10_000 });
      await pause(LEASE_MS);
    },
  };
  const kinds = [
    'cut',
    'cut',
    'reset',
    'half open',
    'frozen connection',
    'frozen process',
    'frozen process',
    'blocked event loop',
    'burst',
    'kill',
    'active one killed',
    'active one killed',
  ];
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const troubled = new Set<Candidate>();
  let allTroubled: Outage | undefined;
  while (performance.now() < end) {
    await pause(random.between(100, 700));
    const kind = restarts && ++count % 10 === 0 ? RESTARTS[(count / 10) % 2] : random.pick(kinds);
    if (kind === undefined) continue;
    const candidate = kind === 'active one killed' ? activeOf(candidates) : random.pick(candidates);
    if (troubled.has(candidate)) continue;
    faults[kind] = (faults[kind] ?? 0) + 1;
    troubled.add(candidate);
    if (troubled.size === candidates.length && !allTroubled) {
      allTroubled = { begin: process.hrtime.bigint(), end: undefined };
      outages.push(allTroubled);
    }
    busy.push(
      (breakDown[kind] as (one: Candidate) => Promise<void>)(candidate).finally(async () => {
        if (kind !== 'blocked event loop') await pause(RECOVERY_MS);
        troubled.delete(candidate);
        if (!allTroubled) return;
        allTroubled.end = process.hrtime.bigint();
        allTroubled = undefined;
      }),
    );
    if (busy.length > 100) busy = [Promise.all(busy).then(() => undefined)];
  }
  await Promise.all(busy);
  await observer.close();
  await Promise.all(candidates.map((candidate) => candidate.kill()));
  await Promise.all(candidates.map(({ proxy }) => proxy.close()));
  await emulator.kill();
  const reigns = candidates
    .flatMap((candidate) => candidate.reigns)
    .sort((a, b) => (a.begin < b.begin ? -1 : 1));
  return {
    faults,
    acts: candidates.reduce((sum, { acts }) => sum + acts, 0),
    changes: reigns.filter((reign, i) => i > 0 && reigns[i - 1]?.name !== reign.name).length,
    ...overlapOf(reigns),
    disorder: [...disorder, ...observer.disorder],
    writes: writes + observer.writes,
    longestGap: longestGap(reigns),
    longestExcess: longestExcess(reigns, outages),
  };
}

/** A time in which no takeover can be expected. */
interface Outage {
  begin: bigint;
  end: bigint | undefined;
}

/** The candidate that acted last. */
function activeOf(candidates: Candidate[]): Candidate {
  const lastAct = ({ reigns }: Candidate) => reigns.at(-1)?.end ?? 0n;
  return candidates.reduce((latest, one) => (lastAct(one) > lastAct(latest) ? one : latest));
}

const RESTARTS = ['broker restarted', 'broker away, and back with its memory'];

/** How long two candidates reigned at the same time. */
export function overlapOf(reigns: Reign[]): { overlap: number; overlaps: string[] } {
  let overlap = 0;
  const overlaps: string[] = [];
  for (const [i, one] of reigns.entries()) {
    for (const other of reigns.slice(i + 1)) {
      if (other.begin > one.end) break;
      if (other.name === one.name) continue;
      const end = one.end < other.end ? one.end : other.end;
      const ms = Number(end - other.begin) / 1e6;
      overlap += ms;
      overlaps.push(`${one.name} until ${one.end}, ${other.name} from ${other.begin}: ${ms.toFixed(1)} ms`);
    }
  }
  return { overlap, overlaps };
}

function longestGap(reigns: Reign[]): number {
  let last: bigint | undefined;
  let longest = 0;
  for (const { begin, end } of reigns) {
    if (last !== undefined) longest = Math.max(longest, Number(begin - last) / 1e6);
    last = last === undefined || end > last ? end : last;
  }
  return longest;
}

function longestExcess(reigns: Reign[], outages: Outage[]): number {
  let last: Reign | undefined;
  let longest = 0;
  for (const reign of reigns) {
    const { begin, end } = last ?? reign;
    const isOut = outages.some((one) => one.begin < reign.begin && (one.end === undefined || one.end > end));
    const gap = Number(reign.begin - end) / 1e6;
    if (last && begin < reign.begin && !isOut) longest = Math.max(longest, gap - last.lease - ALLOWED_MS);
    if (!last || reign.end > last.end) last = reign;
  }
  return Math.round(longest);
}

/** Looks at the key that is written with tokens, without faults. */
async function observeTokens(port: number) {
  const store = new StateStoreClient({ host: '127.0.0.1', port });
  let latest: Hlc | undefined;
  const seen = { disorder: [] as string[], writes: 0, close: () => store.close() };
  await store.observe(KEY, (change) => {
    if (change.operation !== 'set') return;
    seen.writes++;
    const text = change.value.toString();
    const token = parseHlc(text.split(' ')[1] as string) as Hlc;
    if (latest && compareHlc(token, latest) < 0) seen.disorder.push(text);
    else latest = token;
  });
  return seen;
}
