/**
 * Rounds of changes that an observer misses in part: its connection dies without a packet, keys change, the broker notices the loss,
 * keys change again, and the session is resumed with old notifications in it. The reported changes are compared with the real ones.
 */
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type KeyChange, StateStoreClient } from '../../src/index';
import { compareHlc, type Hlc, parseHlc } from '../../src/protocol/hlc';
import { EmulatorProcess, type Repeats } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';
import { Random } from '../support/random';

export interface ObserverRounds {
  seed: number;
  rounds: number;
  keys: number;
  repeats: Repeats;
  /** Longest time from the recovered connection until every key must be right, in milliseconds; at least 1000. */
  patience: number;
}

export interface ObserverResult {
  changes: number;
  told: number;
  /** Keys whose last reported value was not the value in the store when the patience was over, in all rounds. */
  wrong: number;
  /** Changes older than a change that was reported before. */
  outOfOrder: number;
  /** Changes that were reported before. */
  twice: number;
  /** Changes that never happened. */
  invented: number;
  /** The first few of all these. */
  examples: string[];
}

type Step = 'set' | 'delete';

/** What happens to a key while the broker still believes in the connection, and what after that. */
const SEQUENCES: [believed: Step[], gone: Step[]][] = [
  [[], []],
  [['set'], []],
  [['set', 'delete'], []],
  [['delete', 'set'], []],
  [['set', 'set', 'delete'], []],
  [[], ['set']],
  [[], ['delete']],
  [['set'], ['delete']],
  [['delete'], ['set']],
  [['set', 'delete'], ['set']],
  [
    ['set', 'set'],
    ['set', 'delete'],
  ],
  [['delete', 'set'], ['delete']],
];

/** How often the first part of a sequence is done: the more notifications the session holds, the longer they go on arriving. */
const REPETITIONS = [1, 5, 20];
/** Milliseconds by which the recovering connection is late. */
const DELAYS = [0, 0, 1, 5, 20];
/** Share of the keys that are set while the observer recovers. */
const SET_MEANWHILE = 0.2;
const SETTLE_MS = 1000;
/** Of each kind. */
const EXAMPLES = 2;

interface Event {
  operation: Step;
  value: string | undefined;
  /** Absent where a key was found to be gone. */
  version: string | undefined;
}

/** The changes of one key, and the changes that the observer reported. */
class Watched {
  readonly key: string;
  readonly happened: Event[] = [];
  told: Event | undefined;
  #newest: string | undefined;
  #unproved: Event[] = [];

  constructor(key: string) {
    this.key = key;
  }

  get last(): Event | undefined {
    return this.happened.at(-1);
  }

  /** True if the observer knows the value in the store. A key without a report counts as missing. */
  get right(): boolean {
    return (this.last?.value ?? undefined) === this.told?.value;
  }

  /** Records a reported change, and returns its fault, if any. */
  hear(event: Event): 'outOfOrder' | 'twice' | undefined {
    this.told = event;
    // Found by reading, it stands for the last delete: no client deletes while the observer recovers.
    const deletes = this.happened.filter(({ operation }) => operation === 'delete');
    const version = event.version ?? deletes.at(-1)?.version;
    if (event.version !== undefined) this.#unproved.push(event);
    if (version === undefined) return 'twice';
    const order = this.#newest === undefined ? 1 : compareHlc(hlc(version), hlc(this.#newest));
    if (order > 0) this.#newest = version;
    if (order === 0) return 'twice';
    return order < 0 ? 'outOfOrder' : undefined;
  }

  /** Reported changes that never happened. A change may be reported before its writer has the result. */
  invented(): Event[] {
    const isKnown = ({ operation, value, version }: Event) =>
      this.happened.some(
        (one) => one.version === version && one.operation === operation && one.value === value,
      );
    return this.#unproved.splice(0).filter((event) => !isKnown(event));
  }
}

function hlc(version: string): Hlc {
  return parseHlc(version) as Hlc;
}

export async function observeRounds(options: ObserverRounds): Promise<ObserverResult> {
  const { seed, rounds, keys, repeats, patience } = options;
  const random = new Random(seed, 'observer');
  const emulator = await EmulatorProcess.start(repeats);
  const proxy = await FaultProxy.start(() => emulator.port);
  const observer = new StateStoreClient({ host: '127.0.0.1', port: proxy.port });
  const writer = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  const result: ObserverResult = {
    ...{ changes: 0, told: 0, wrong: 0, outOfOrder: 0, twice: 0, invented: 0, examples: [] },
  };
  const change = new EventEmitter();
  const watched = Array.from({ length: keys }, (_, i) => new Watched(`key/${i}`));
  let round = 0;
  const complain = (what: string, one: Watched, event: unknown) => {
    if (result.examples.filter((example) => example.includes(`: ${what}: `)).length >= EXAMPLES) return;
    const happened = one.happened.slice(-6).map((each) => `\n      ${JSON.stringify(each)}`);
    result.examples.push(
      `round ${round}, ${one.key}: ${what}: ${JSON.stringify(event)}, after in the store:${happened.join('')}`,
    );
  };
  const hear = (one: Watched, { operation, version, ...more }: KeyChange) => {
    result.told++;
    const value = 'value' in more ? more.value.toString() : undefined;
    const fault = one.hear({ operation, value, version });
    if (fault) {
      result[fault]++;
      complain(fault, one, one.told);
    }
    change.emit('change');
  };
  const write = async (one: Watched, steps: Step[]) => {
    for (const operation of steps) {
      if (operation === 'set') {
        const value = `${round}/${one.happened.length}`;
        const { version } = await writer.set(one.key, value);
        one.happened.push({ operation, value, version });
      } else {
        const { deleted, version } = await writer.delete(one.key);
        if (!deleted) continue;
        one.happened.push({ operation, value: undefined, version });
      }
      result.changes++;
    }
  };
  const allRight = () => watched.every(({ right }) => right);
  const settled = async () => {
    await pause(SETTLE_MS);
    const signal = AbortSignal.timeout(Math.max(1, patience - SETTLE_MS));
    while (!allRight() && !signal.aborted) await once(change, 'change', { signal }).catch(() => undefined);
  };

  try {
    await Promise.all(watched.map((one) => observer.observe(one.key, (told) => hear(one, told))));
    await Promise.all(watched.map((one, i) => write(one, i % 2 === 0 ? ['set'] : [])));
    while (!allRight()) await once(change, 'change');
    for (round = 1; round <= rounds; round++) {
      const plans = watched.map((one) => [one, random.pick(SEQUENCES)] as const);
      proxy.drop = 'down';
      for (let left = random.pick(REPETITIONS); left > 0; left--) {
        await Promise.all(plans.map(([one, [believed]]) => write(one, believed)));
      }
      proxy.halfOpen();
      await Promise.all(plans.map(([one, [, gone]]) => write(one, gone)));
      proxy.heal();
      proxy.delay = random.pick(DELAYS);
      const lost = once(observer, 'state');
      proxy.cut();
      await lost;
      while (observer.state.kind !== 'connected') await once(observer, 'state');
      await Promise.all(watched.map((one) => write(one, random.chance(SET_MEANWHILE) ? ['set'] : [])));
      await settled();
      proxy.heal();
      for (const one of watched) {
        for (const event of one.invented()) {
          result.invented++;
          complain('invented', one, event);
        }
        if (one.right) continue;
        result.wrong++;
        complain('wrong', one, one.told);
      }
    }
  } finally {
    await observer.close();
    await writer.close();
    await proxy.close();
    await emulator.kill();
  }
  return result;
}

export function describeRounds(
  { seed, rounds, keys, repeats }: ObserverRounds,
  result: ObserverResult,
): string {
  const { changes, told, wrong, outOfOrder, twice, invented, examples } = result;
  return [
    `seed ${seed}, ${rounds} rounds, ${keys} keys, repeats ${repeats}: ${changes} changes, ${told} told; ${wrong} wrong in the end of a round, ${outOfOrder} out of order, ${twice} twice, ${invented} that never happened`,
    ...examples.map((example) => `  ${example}`),
  ].join('\n');
}
