/** Faults of a network and of a broker, in an order that a seed repeats. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Rejection } from '../support/emulator-child';
import type { FaultProxy } from '../support/fault-proxy';
import type { Random } from '../support/random';

export type FaultCounts = Record<string, number>;

type Ending = 'heal' | 'cut' | 'reset';

/** What begins the fault, and how it may end. A fault without endings is over at once. */
const FAULTS: Record<string, { begin: (proxy: FaultProxy, random: Random) => void; endings: Ending[] }> = {
  cut: { begin: (proxy) => proxy.cut(), endings: [] },
  reset: { begin: (proxy) => proxy.reset(), endings: [] },
  'half-open': { begin: (proxy) => proxy.halfOpen(), endings: [] },
  freeze: { begin: (proxy) => freeze(proxy, true), endings: ['heal', 'cut', 'reset'] },
  'freeze up': { begin: (proxy) => freeze(proxy, 'up'), endings: ['heal', 'cut', 'reset'] },
  'freeze down': { begin: (proxy) => freeze(proxy, 'down'), endings: ['heal', 'cut', 'reset'] },
  'lose up': { begin: (proxy) => lose(proxy, 'up'), endings: ['heal', 'cut', 'reset'] },
  'lose down': { begin: (proxy) => lose(proxy, 'down'), endings: ['heal', 'cut', 'reset'] },
  'answers lost, then reset': { begin: (proxy) => lose(proxy, 'down'), endings: ['reset'] },
  delay: {
    begin: (proxy, random) => {
      proxy.delay = random.between(5, 800);
    },
    endings: ['heal', 'cut'],
  },
  trickle: {
    begin: (proxy, random) => {
      proxy.trickle = random.between(1, 60);
    },
    endings: ['heal', 'cut'],
  },
  blackout: {
    begin: (proxy) => {
      proxy.blackout = true;
      proxy.cut();
    },
    endings: ['heal'],
  },
  'blackout, refusing': {
    begin: (proxy) => {
      proxy.refusing = true;
      proxy.reset();
    },
    endings: ['heal'],
  },
};

function freeze(proxy: FaultProxy, frozen: true | 'up' | 'down'): void {
  proxy.frozen = frozen;
}

function lose(proxy: FaultProxy, direction: 'up' | 'down'): void {
  proxy.drop = direction;
}

/** One fault after the other on one proxy, with good times between them, until `signal` says that it is enough. */
export async function breakNetwork(
  proxy: FaultProxy,
  random: Random,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pauseUntil(random.between(200, 1800), signal);
    const kind = random.pick(Object.keys(FAULTS));
    const fault = FAULTS[kind];
    const [lingering, duration, ending] = [
      random.chance(0.5),
      random.chance(0.7) ? random.between(20, 500) : random.between(500, 1500),
      random.pick(fault?.endings.length ? fault.endings : (['heal'] as const)),
    ];
    if (signal.aborted || !fault) break;
    counts[kind] = (counts[kind] ?? 0) + 1;
    proxy.lingering = lingering;
    fault.begin(proxy, random);
    if (fault.endings.length > 0) await pauseUntil(duration, signal);
    if (ending === 'cut') proxy.cut();
    if (ending === 'reset') proxy.reset();
    proxy.heal();
  }
  proxy.heal();
}

/** Freezes, rejections and restarts of the broker, until `signal` says that it is enough. */
export async function breakBroker(
  broker: {
    freeze(): void;
    thaw(): void;
    reject(rejection: Rejection): void;
    restart(): Promise<void>;
  },
  random: Random,
  counts: FaultCounts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await pauseUntil(random.between(2000, 8000), signal);
    const [kind, duration, share] = [
      random.pick(['broker restarted', 'broker frozen', 'broker without room'] as const),
      random.between(100, 1500),
      random.pick([0.1, 0.5, 1]),
    ];
    if (signal.aborted) break;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (kind === 'broker restarted') {
      await broker.restart();
    } else if (kind === 'broker without room') {
      // The next fault of the network may come meanwhile.
      broker.reject({ durationMs: duration, share });
      await pauseUntil(duration, signal);
    } else {
      broker.freeze();
      await pauseUntil(duration, signal);
      broker.thaw();
    }
  }
}

async function pauseUntil(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined);
}
