/**
 * A candidate for a role, as a process of its own. While it is active it sets a key with the token of the role, again and again. It also
 * updates another key all the time. It reports both.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { Election, update } from '../../src/coordination/index';
import { StateStoreClient, StateStoreError } from '../../src/index';

/** The arguments of a candidate, as JSON. */
export interface CandidateOptions {
  port: number;
  role: string;
  /** Set with the token of the role. */
  key: string;
  /** Counts updates: `N ID` after the Nth update, of which ID is that of the update. */
  counter: string;
  name: string;
  /** Of the role, in milliseconds. */
  lease: number;
}

/** What a candidate reports. */
export type Report =
  | 'connected'
  /** A moment in which the candidate was active by its own clock. */
  | { kind: 'act'; at: string; token: string; term: number }
  | { kind: 'updated'; id: string; count: number };

/** A fault of the process. */
export type Trouble = { blockMs: number } | { burst: number };

const PAUSE_MS = 10;
const UPDATE_PAUSE_MS = 20;

const options: CandidateOptions = JSON.parse(process.argv[2] as string);
const { role, key, counter, name, lease } = options;
const report = (one: Report) => process.send?.(one);

async function countOn(store: StateStoreClient): Promise<void> {
  for (let i = 0; ; i++) {
    const id = `${name}-${process.pid}-${i}`;
    try {
      const { value } = await update(
        store,
        counter,
        (before) => `${Number(String(before ?? 0).split(' ')[0]) + 1} ${id}`,
        { duration: 1000 },
      );
      report({ kind: 'updated', id, count: Number(String(value).split(' ')[0]) });
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
    }
    await pause(UPDATE_PAUSE_MS);
  }
}

function main(): void {
  const store = new StateStoreClient({
    ...{ host: '127.0.0.1', port: options.port, timeout: 2000, connectTimeout: 1000 },
    // Longer than most freezes.
    keepAlive: 5,
  });
  const election = new Election(store, role, { name, duration: lease });
  void store.connect({ timeout: 600_000 }).then(() => {
    report('connected');
    return countOn(store);
  });
  // Counts how often this process changed to standby.
  let term = 0;
  election.on('change', ({ state }) => {
    if (state === 'standby') term++;
  });
  election.start();
  setInterval(() => {
    // The process may be frozen between the two lines: a token that is held now was held before.
    const at = String(process.hrtime.bigint());
    const { token } = election;
    if (token === undefined) {
      term++;
      return;
    }
    report({ kind: 'act', at, token, term });
    store.set(key, `${name} ${token}`, { fencingToken: token, timeout: 1000 }).catch(() => undefined);
  }, PAUSE_MS);
  process.on('message', (trouble: Trouble) => {
    if ('blockMs' in trouble) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, trouble.blockMs);
    } else {
      for (let i = 0; i < trouble.burst; i++) store.set(`burst/${i % 100}`, 'x').catch(() => undefined);
    }
  });
  process.on('disconnect', () => process.exit());
}

main();
