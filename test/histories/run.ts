/**
 * A run: an emulator in a process of its own, three clients behind a fault proxy each and a witness that nothing disturbs, all calling
 * at once on the same keys while network and broker break; then the search for an order of the calls on each key.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import type { Rejection } from '../support/emulator-child';
import { EmulatorProcess, type Repeats } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { checkKey, describeIllegal, type KeyCall } from '../support/key-history';
import { Random } from '../support/random';
import { burst, burstKeysOf, Calls, keysOf, type Operation, perform } from './calls';
import { breakBroker, breakNetwork, type FaultCounts } from './faults';
import { type Plant, plant } from './planted';
import { Wire } from './wire';

export interface RunOptions {
  seed: number;
  seconds: number;
  repeats: Repeats;
  /** Planted in every proxy, in place of other faults. */
  plant?: Plant;
}

export interface RunResult {
  calls: number;
  faults: FaultCounts;
  /** How many calls ended in which way. */
  outcomes: Record<string, number>;
  connections: number;
  sessionsKept: number;
  sessionsLost: number;
  resent: number;
  keys: number;
  /** Calls on the busiest key. */
  longest: number;
  /** Keys without an order, each with the part where none goes on. */
  illegal: string[];
  /** Keys for which the search was given up. */
  undecided: number;
  /** What went wrong beside that, in words. */
  breaches: string[];
}

/** How often the keys change. */
const WINDOW_MS = 2000;
/** The witness reads keys of so many windows. */
const WITNESSED_WINDOWS = 4;
const WORKERS = 10;
/** Longest pause between two calls of one worker, in milliseconds. */
const PAUSE_MS = 40;
/** The client that makes many calls at once, and its longest pause between them, in milliseconds. */
const BURSTING = 'client 1';
const BURST_PAUSE_MS = 400;
/** Share of all other calls that go to the keys of bursts. */
const BURST_SHARE = 0.4;
const TIMEOUTS_MS = [500, 2000] as const;

/** So that resumed sessions, lost sessions, full windows and timeouts all happen. */
const CLIENTS: StateStoreClientOptions[] = [
  { sessionExpiry: 60, connectTimeout: 1000, keepAlive: 2 },
  { sessionExpiry: 60, connectTimeout: 300, keepAlive: 1, inFlightLimit: 4 },
  { sessionExpiry: 0, connectTimeout: 500, keepAlive: 1 },
];

interface Restart {
  begin: number;
  end: number;
  at: [number, number];
}

class Run {
  readonly #options: RunOptions;
  readonly #started = performance.now();
  readonly #calls = new Calls();
  readonly #histories = new Map<string, { calls: KeyCall[]; open: number }>();
  readonly #restarts: Restart[] = [];
  readonly #enough = new AbortController();
  #moment = 0;
  #emulator: EmulatorProcess | undefined;

  readonly result: RunResult = {
    ...{ calls: 0, faults: {}, outcomes: {}, connections: 0, sessionsKept: 0, sessionsLost: 0, resent: 0 },
    ...{ keys: 0, longest: 0, illegal: [], undecided: 0, breaches: [] },
  };

  constructor(options: RunOptions) {
    this.#options = options;
  }

  async run(): Promise<RunResult> {
    const { seed, seconds, repeats, plant: planted } = this.#options;
    this.#emulator = await EmulatorProcess.start(repeats);
    const stop = setTimeout(() => this.#enough.abort(), seconds * 1000);
    const actors: Promise<void>[] = [];
    const proxies: FaultProxy[] = [];
    const wires: Wire[] = [];
    const begin = async (name: string, options: StateStoreClientOptions) => {
      const proxy = await FaultProxy.start(() => this.#emulator?.port ?? 0);
      const wire = new Wire(proxy, () => ++this.#moment);
      proxies.push(proxy);
      wires.push(wire);
      actors.push(this.#client(name, { ...options, host: '127.0.0.1', port: proxy.port }, wire));
      return proxy;
    };
    await begin('witness', { connectTimeout: 300 });
    for (const [i, options] of CLIENTS.entries()) {
      const proxy = await begin(`client ${i + 1}`, options);
      if (planted) plant(planted, proxy);
      else {
        const random = new Random(seed, `network ${i + 1}`);
        actors.push(breakNetwork(proxy, random, this.result.faults, this.#enough.signal));
      }
    }
    if (!planted) actors.push(this.#breakBroker(new Random(seed, 'broker')));
    const checking = this.#checkOldKeys();
    await Promise.all([...actors, checking]).finally(() => clearTimeout(stop));
    for (const key of this.#histories.keys()) this.#check(key);
    for (const proxy of proxies) {
      this.result.connections += proxy.accepted;
      await proxy.close();
    }
    for (const { sessionsKept, sessionsLost, resent, breaches } of wires) {
      this.result.sessionsKept += sessionsKept;
      this.result.sessionsLost += sessionsLost;
      this.result.resent += resent;
      this.result.breaches.push(...breaches);
    }
    await this.#emulator.kill();
    return this.result;
  }

  get #now(): number {
    return performance.now() - this.#started;
  }

  get #window(): number {
    return Math.floor(this.#now / WINDOW_MS);
  }

  async #breakBroker(random: Random): Promise<void> {
    const emulator = () => this.#emulator as EmulatorProcess;
    const broker = {
      freeze: () => emulator().freeze(),
      thaw: () => emulator().thaw(),
      reject: (rejection: Rejection) => emulator().reject(rejection),
      restart: async () => {
        const [begin, at] = [++this.#moment, this.#now];
        if (emulator().ended) this.result.breaches.push('the emulator ended by itself');
        await emulator().kill();
        const next = await EmulatorProcess.start(this.#options.repeats);
        // Connections from here on reach the new store, and no earlier one does.
        this.#emulator = next;
        this.#restarts.push({ begin, end: ++this.#moment, at: [at, this.#now] });
      },
    };
    await breakBroker(broker, random, this.result.faults, this.#enough.signal);
    if (emulator().ended) this.result.breaches.push('the emulator ended by itself');
  }

  /** A client whose workers call until it is enough; the witness reads only. */
  async #client(name: string, options: StateStoreClientOptions, wire: Wire): Promise<void> {
    const start = () => {
      const store = new StateStoreClient(options);
      store.on('state', (state) => {
        if (state.kind !== 'stopped') return;
        this.result.breaches.push(`${name} stopped for ever: ${state.reason.message}`);
        current = start();
      });
      return store;
    };
    let current = start();
    const { signal } = this.#enough;
    const call = (key: string, random: Random) =>
      this.#call(name, current, key, this.#calls.next(key, random), random, wire);
    const reader = async (random: Random) => {
      while (!signal.aborted) {
        await pause(random.between(0, PAUSE_MS));
        const window = Math.max(0, this.#window - random.between(0, WITNESSED_WINDOWS - 1));
        await this.#call(name, current, this.#pick(window, random), { do: 'get' }, random, wire);
      }
    };
    const worker = async (random: Random) => {
      while (!signal.aborted) {
        await pause(random.between(0, PAUSE_MS));
        await call(this.#pick(this.#window, random), random);
      }
    };
    const burster = async (random: Random) => {
      while (!signal.aborted) {
        await pause(random.between(0, BURST_PAUSE_MS));
        await Promise.all(burst(this.#window, random).map((key) => call(key, random)));
      }
    };
    const act = name === 'witness' ? reader : worker;
    const workers = Array.from({ length: WORKERS }, (_, i) =>
      act(new Random(this.#options.seed, `${name} ${i}`)),
    );
    if (name === BURSTING) workers.push(burster(new Random(this.#options.seed, 'burst')));
    await Promise.all(workers);
    if (name === 'witness') await this.#readAll(current, wire);
    await current.close();
  }

  #pick(window: number, random: Random): string {
    return random.pick(random.chance(BURST_SHARE) ? burstKeysOf(window) : keysOf(window));
  }

  /** What the store holds in the end. */
  async #readAll(witness: StateStoreClient, wire: Wire): Promise<void> {
    const random = new Random(this.#options.seed, 'end');
    while ([...this.#histories.values()].some(({ open }) => open > 0)) await pause(20);
    const keys = [...this.#histories.keys()];
    await Promise.all(keys.map((key) => this.#call('witness', witness, key, { do: 'get' }, random, wire)));
  }

  async #call(
    client: string,
    store: StateStoreClient,
    key: string,
    operation: Operation,
    random: Random,
    wire: Wire,
  ): Promise<void> {
    const history = this.#histories.get(key) ?? { calls: [], open: 0 };
    this.#histories.set(key, history);
    history.open++;
    const timeout = random.between(...TIMEOUTS_MS);
    const [begin, at] = [++this.#moment, this.#now];
    const traced = operation.do === 'set' && operation.value.startsWith('v') ? operation.value : undefined;
    if (traced !== undefined) wire.begin(key, traced, begin);
    const told = await perform(store, key, operation, timeout);
    const end = ++this.#moment;
    const code = 'unknown' in told ? told.unknown : undefined;
    if (traced !== undefined) wire.end(key, traced, end);
    history.open--;
    this.result.calls++;
    const outcome =
      'unsent' in told
        ? `without effect, ${told.unsent}`
        : (code ?? ('refused' in told ? told.refused : 'answered'));
    this.result.outcomes[outcome] = (this.result.outcomes[outcome] ?? 0) + 1;
    if ('unsent' in told) return;
    this.#calls.learn(told);
    history.calls.push({
      ...{ operation, told, client, begin, at: [at, this.#now] },
      ...(code === undefined
        ? { end, optional: false }
        : { end: Number.POSITIVE_INFINITY, optional: true, ended: end }),
    });
  }

  /** Keys that are not used any more. */
  async #checkOldKeys(): Promise<void> {
    while (!this.#enough.signal.aborted) {
      await pause(WINDOW_MS, undefined, { signal: this.#enough.signal }).catch(() => undefined);
      for (const [key, { open }] of this.#histories) {
        const window = Number(key.split('/')[0]);
        if (window + WITNESSED_WINDOWS + 1 >= this.#window || open > 0) continue;
        this.#check(key);
        this.#histories.delete(key);
        this.#calls.forget([key]);
        // Clients and proxies live in this process.
        await pause(1);
      }
    }
  }

  #check(key: string): void {
    const calls = this.#withRestarts(this.#histories.get(key)?.calls ?? []);
    this.result.keys++;
    this.result.longest = Math.max(this.result.longest, calls.length);
    const verdict = checkKey(calls);
    if (verdict.kind === 'undecided') this.result.undecided++;
    if (verdict.kind === 'illegal') this.result.illegal.push(`key ${key}\n${describeIllegal(verdict)}`);
  }

  /** With the restarts during a history, which end the time of the calls whose outcome was unknown before. */
  #withRestarts(calls: KeyCall[]): KeyCall[] {
    const first = Math.min(...calls.map(({ begin }) => begin));
    const last = Math.max(...calls.map(({ begin, end, ended }) => ended ?? Math.max(begin, end)));
    const during = this.#restarts.filter(({ begin, end }) => end > first && begin < last);
    const restarts = during.map(
      ({ begin, end, at }): KeyCall => ({
        ...{ operation: { do: 'restart' }, told: { restarted: true }, client: 'broker', begin, end, at },
        optional: false,
      }),
    );
    const limited = calls.map((call) => {
      // A caller with a result from before the new store has no request to it in flight.
      const next = during.findIndex(({ end }) => call.ended !== undefined && call.ended < end);
      return next < 0 ? call : { ...call, before: next + 1 };
    });
    return [...limited, ...restarts];
  }
}

/** Runs for `seconds`, checks every key, and returns the findings. */
export function runHistory(options: RunOptions): Promise<RunResult> {
  return new Run(options).run();
}

/** Whether everything was as it should be. */
export function isGood({ illegal, undecided, breaches }: RunResult): boolean {
  return illegal.length === 0 && undecided === 0 && breaches.length === 0;
}

/** A run in words; of many illegal keys the first few. */
export function report({ seed, seconds, repeats }: RunOptions, result: RunResult, excerpts = 3): string {
  const counts = (of: Record<string, number>) =>
    Object.entries(of)
      .sort()
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const total = Object.values(result.faults).reduce((sum, count) => sum + count, 0);
  const { calls, connections, sessionsKept, sessionsLost, resent, keys, longest, illegal, undecided } =
    result;
  return [
    `seed ${seed}, ${seconds} s, repeats ${repeats}: ${calls} calls (${counts(result.outcomes)})`,
    `  ${total} faults (${counts(result.faults)})`,
    `  ${connections} connections (${sessionsKept} sessions kept, ${sessionsLost} new), ${resent} packets resent`,
    `  ${keys} keys checked, at most ${longest} calls on one; ${illegal.length} illegal, ${undecided} undecided; ${result.breaches.length} breaches on the wire`,
    ...result.breaches.slice(0, 2 * excerpts).map((breach) => `  ! ${breach}`),
    ...illegal.slice(0, excerpts),
  ].join('\n');
}
