/** Three candidates for one role in three processes, cut off, frozen, blocked, killed and restarted; now and then the broker, too. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EmulatorProcess } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { Random } from '../support/random';
import { CandidateProcess } from './candidate-process';
import { ChaosObserver } from './observer';
import { longestExcess, longestGap, type Outage, overlapsOf, type Reign, timeWithout } from './reigns';
import { Timeline } from './timeline';

const KEYS = { role: 'role/chaos', key: 'valve', counter: 'count' };
/** One of the candidates is far away from the store. In milliseconds. */
const CANDIDATES = [
  { name: 'left', roundTrip: 0 },
  { name: 'middle', roundTrip: 200 },
  { name: 'right', roundTrip: 0 },
];
/** Leases, in milliseconds: of each candidate at first, and of a new process any of the others. */
const FIRST_LEASES_MS = [1000, 3000, 10_000];
const NEXT_LEASES_MS = [1000, 1000, 1000, 3000, 3000, 10_000];
const LONGEST_MS = Math.max(...FIRST_LEASES_MS);
/** A fault of a candidate lasts so many of its leases at most. */
const FAULT_LEASES = 3;
/** How long a candidate may need to be back after a fault, in milliseconds. */
const RECOVERY_MS = 2000;
const BURST = 10_000;
/** How often the last candidate without a fault gets one as well. */
const ALL_TROUBLED = 0.1;
/** Every so many faults the broker is restarted. */
const FAULTS_BETWEEN_RESTARTS = 50;

export interface ChaosOptions {
  seconds: number;
  seed: number;
}

/** What was seen. */
export interface ChaosReport {
  faults: Record<string, number>;
  /** How often an active candidate acted. */
  acts: number;
  /** How often another candidate became active. */
  changes: number;
  /** Two candidates that were active at the same time by their own clocks, with what happened before. */
  overlaps: string[];
  /** Writes that an observer saw out of the order of their tokens. */
  disorder: string[];
  writes: number;
  /** Updates that an observer saw, and updates that are lost or were applied twice. */
  updates: number;
  wrongUpdates: string[];
  /** Milliseconds in which no candidate acted, the longest time. */
  longestGap: number;
  /**
   * Milliseconds beyond the lease of the candidate that ended and half a second, the longest time; without times in which the store was
   * away or candidates were cautious, or in which every candidate had a fault.
   */
  longestExcess: number;
  /** What happened before and in the time of the longest excess. */
  excess: string;
  /** Seconds without such times. */
  watched: number;
}

export async function runChaos({ seconds, seed }: ChaosOptions): Promise<ChaosReport> {
  const random = new Random(seed, 'chaos');
  const directory = mkdtempSync(join(tmpdir(), 'chaos-'));
  let stores = 0;
  const newFile = () => join(directory, `${++stores}.store`);
  let file = newFile();
  let emulator = await EmulatorProcess.start('executed', file);
  let { port } = emulator;
  const timeline = new Timeline();
  const log = (text: string) => timeline.add(text);
  const observer = new ChaosObserver(KEYS, log);
  await observer.follow(port);
  const candidates = await Promise.all(
    CANDIDATES.map(async ({ name, roundTrip }) => {
      const proxy = await FaultProxy.start(() => port);
      proxy.delay = roundTrip / 2;
      return new CandidateProcess(name, proxy, KEYS);
    }),
  );
  await Promise.all(candidates.map((candidate, i) => candidate.start(FIRST_LEASES_MS[i] as number)));

  const outages: Outage[] = [];
  let restarting = false;
  let starting = 0;
  let memoryLostAt = Number.NEGATIVE_INFINITY;
  const restart = async (memory: 'kept' | 'lost') => {
    restarting = true;
    while (starting > 0) await pause(10);
    const outage: Outage = { begin: process.hrtime.bigint() };
    outages.push(outage);
    await emulator.kill();
    await observer.leave(memory);
    if (memory === 'lost') {
      memoryLostAt = performance.now();
      file = newFile();
    } else await pause(random.between(0, 2000));
    emulator = await EmulatorProcess.start('executed', file);
    // The observer is there before any candidate is.
    await observer.follow(emulator.port);
    port = emulator.port;
    log('the broker is back');
    const recovery = RECOVERY_MS + (memory === 'lost' ? LONGEST_MS : 0);
    outage.end = process.hrtime.bigint() + BigInt(recovery) * 1_000_000n;
    restarting = false;
  };
  const longFault = ({ lease }: CandidateProcess) => pause(random.between(100, FAULT_LEASES * lease));
  const kill = async (candidate: CandidateProcess) => {
    await candidate.kill();
    await pause(random.between(100, 2000));
    // A process that is started after a loss cannot know of it: docs/high-availability.md.
    while (restarting || performance.now() - memoryLostAt < LONGEST_MS) await pause(100);
    starting++;
    await candidate.start(random.pick(NEXT_LEASES_MS));
    starting--;
  };
  const faultsOf: Record<string, (candidate: CandidateProcess) => Promise<void>> = {
    cut: async ({ proxy }) => proxy.cut(),
    reset: async ({ proxy }) => proxy.reset(),
    'half open': async ({ proxy }) => proxy.halfOpen(),
    'frozen connection': async (candidate) => {
      candidate.proxy.frozen = true;
      await longFault(candidate);
      candidate.proxy.thaw();
    },
    'frozen process': async (candidate) => {
      candidate.signal('SIGSTOP');
      await longFault(candidate);
      candidate.signal('SIGCONT');
    },
    'blocked event loop': async (candidate) => {
      const blockMs = random.between(100, FAULT_LEASES * candidate.lease);
      candidate.trouble({ blockMs });
      await pause(blockMs);
    },
    burst: async (candidate) => {
      candidate.trouble({ burst: BURST });
      await pause(1000);
    },
    kill,
    'active one killed': kill,
  };
  const kinds = [
    ...['cut', 'cut', 'reset', 'half open', 'frozen connection', 'frozen process', 'frozen process'],
    ...['blocked event loop', 'burst', 'kill', 'active one killed', 'active one killed'],
  ];
  const begin = process.hrtime.bigint();
  const faults: Record<string, number> = {};
  const count = (kind: string) => {
    faults[kind] = (faults[kind] ?? 0) + 1;
  };
  const troubled = new Set<CandidateProcess>();
  const busy = new Set<Promise<void>>();
  let allTroubled: Outage | undefined;
  const inflict = async (kind: string, candidate: CandidateProcess) => {
    troubled.add(candidate);
    if (troubled.size === candidates.length && !allTroubled) {
      allTroubled = { begin: process.hrtime.bigint() };
      outages.push(allTroubled);
    }
    log(`${candidate.name}: ${kind}`);
    const begun = performance.now();
    await faultsOf[kind]?.(candidate);
    log(`${candidate.name}: ${kind} is over`);
    // It learns of the loss now, and is cautious from now on.
    if (memoryLostAt > begun) outages.push(outageFrom(RECOVERY_MS + LONGEST_MS));
    await pause(RECOVERY_MS);
    troubled.delete(candidate);
    if (!allTroubled) return;
    allTroubled.end = process.hrtime.bigint();
    allTroubled = undefined;
  };
  const end = performance.now() + seconds * 1000;
  let tried = 0;
  let memory: 'kept' | 'lost' = 'kept';
  while (performance.now() < end) {
    await pause(random.between(100, 700));
    if (++tried % FAULTS_BETWEEN_RESTARTS === 0) {
      memory = memory === 'kept' ? 'lost' : 'kept';
      const kind = `broker restarted, memory ${memory}`;
      count(kind);
      log(kind);
      await restart(memory);
      continue;
    }
    const kind = random.pick(kinds);
    const candidate = kind === 'active one killed' ? latest(candidates) : random.pick(candidates);
    if (troubled.has(candidate)) continue;
    if (troubled.size === candidates.length - 1 && !random.chance(ALL_TROUBLED)) continue;
    count(kind);
    const fault = inflict(kind, candidate).finally(() => busy.delete(fault));
    busy.add(fault);
  }
  await Promise.all(busy);
  await Promise.all(candidates.map((candidate) => candidate.kill()));
  await observer.close();
  await Promise.all(candidates.map(({ proxy }) => proxy.close()));
  await emulator.kill();
  rmSync(directory, { recursive: true, force: true });

  const byBeginning = (one: Reign, other: Reign) => (one.begin < other.begin ? -1 : 1);
  const reigns = candidates.flatMap((candidate) => candidate.reigns).sort(byBeginning);
  // A candidate that had the role in the store, and had a fault before it could act.
  const withHolders = [...reigns, ...observer.holders].sort(byBeginning);
  for (const reign of reigns) timeline.addReign(reign);
  for (const outage of outages) timeline.addOutage(outage);
  const excess = longestExcess(withHolders, outages);
  const { counter } = observer;
  const missing = counter.missing(candidates.flatMap(({ counted }) => counted));
  return {
    faults,
    acts: candidates.reduce((sum, { acts }) => sum + acts, 0),
    changes: reigns.filter((reign, i) => i > 0 && reigns[i - 1]?.name !== reign.name).length,
    overlaps: overlapsOf(reigns).map(
      ({ one, other, ms }) =>
        `${one.name} and ${other.name} for ${ms.toFixed(1)} ms:\n${timeline.show(other.begin, one.end)}`,
    ),
    disorder: observer.disorder,
    writes: observer.writes,
    updates: counter.size,
    wrongUpdates: [
      ...counter.faults,
      ...missing.map(({ id, count: value }) => `${id} was reported as applied and is lost: ${value}`),
    ],
    longestGap: Math.round(longestGap(reigns)),
    longestExcess: excess?.ms ?? 0,
    watched: Math.round(timeWithout(outages, begin, process.hrtime.bigint()) / 1000),
    excess: excess ? timeline.show(excess.last.end, excess.next.begin) : '',
  };
}

/** A time without takeovers that begins now. */
function outageFrom(ms: number): Outage {
  const begin = process.hrtime.bigint();
  return { begin, end: begin + BigInt(ms) * 1_000_000n };
}

/** The candidate that acted last. */
function latest(candidates: readonly CandidateProcess[]): CandidateProcess {
  return candidates.reduce((last, one) => (one.lastAct > last.lastAct ? one : last));
}

/** Why this is not right; blank if it is. */
export function faultOf(report: ChaosReport): string {
  const { overlaps, disorder, wrongUpdates, longestExcess: excess, changes, writes, updates } = report;
  if (overlaps.length > 0) return `${overlaps.length} times two candidates were active`;
  if (disorder.length > 0) return `${disorder.length} writes came out of the order of their tokens`;
  if (wrongUpdates.length > 0) return `${wrongUpdates.length} updates are lost or were applied twice`;
  if (excess > 0) return `nobody was active for ${excess} ms too long`;
  if (changes === 0 || writes === 0 || updates === 0) return 'the role never changed, or nothing was written';
  return '';
}
