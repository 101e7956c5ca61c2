/**
 * A candidate for a role, as a separate process. While it is active it sets a key with the token of the role, again and again. It
 * reports when, on the clock of the computer, in nanoseconds.
 */
import { Election } from '../../src/coordination/index';
import { StoreMemory } from '../../src/coordination/store-memory';
import { StateStoreClient } from '../../src/index';

/** One moment in which the candidate believed to be active, and acted. */
export interface Act {
  at: string;
  token: string;
  /** Counts how often this process stood by before. */
  term: number;
}

/** What the candidate is to suffer from: its event loop is blocked for so long, or it sets so many keys at once. */
export type Trouble = { blockMs: number } | { burst: number };

const [port, role, key, name, duration] = process.argv.slice(2) as [string, string, string, string, string];
const PAUSE_MS = 10;

function main(): void {
  const store = new StateStoreClient({
    ...{ host: '127.0.0.1', port: Number(port), timeout: 2000, connectTimeout: 1000 },
    // Leave time for a freeze, but not without limit.
    keepAlive: 5,
  });
  const election = new Election(store, role, { name, duration: Number(duration) });
  // A process that has not read the marker yet cannot know of a loss.
  const knowsMemory = () =>
    StoreMemory.of(store)
      .check()
      .then(
        () => process.send?.('connected'),
        () => void setTimeout(knowsMemory, PAUSE_MS),
      );
  void store.connect({ timeout: 600_000 }).then(knowsMemory);
  let term = 0;
  election.start();
  setInterval(() => {
    const { token } = election;
    if (token === undefined) {
      term++;
      return;
    }
    const act: Act = { at: String(process.hrtime.bigint()), token, term };
    process.send?.(act);
    store.set(key, `${name} ${token}`, { fencingToken: token, timeout: 1000 }).catch(() => undefined);
  }, PAUSE_MS);
  process.on('message', (trouble: Trouble) => {
    if ('blockMs' in trouble) {
      const end = performance.now() + trouble.blockMs;
      while (performance.now() < end);
    } else {
      for (let i = 0; i < trouble.burst; i++) store.set(`burst/${i % 100}`, 'x').catch(() => undefined);
    }
  });
  process.on('disconnect', () => process.exit());
}

main();
