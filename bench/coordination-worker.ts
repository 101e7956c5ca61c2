/** A separate process with a client, which acquires locks and roles on request: bench/coordination.ts. */
import { Election, type Hold, Lock } from '../src/coordination/index';
import { StateStoreClient } from '../src/index';

/** Requests to the worker. Times are on the clock of the computer, in nanoseconds. */
export type Order =
  /** Takes the lock; answers when it has it. */
  | { do: 'acquire'; key: string }
  /** Releases it, and answers with the time just before. */
  | { do: 'release' }
  /** Waits for the lock with so many waiters, each of which holds it for a moment; answers with the times they had it. */
  | { do: 'crowd'; key: string; waiters: number }
  /** Makes so many candidates, of one client each, for the role. Sends an `active` message when one becomes active. */
  | { do: 'candidates'; role: string; count: number; duration: number };

export interface Answer {
  /** Nanoseconds. */
  at: string[];
  /** Set if it is not an answer, but reports that a candidate became active. */
  active?: true;
}

const port = Number(process.argv[2]);
const newClient = () => new StateStoreClient({ host: '127.0.0.1', port, timeout: 60_000 });
const store = newClient();
const now = () => String(process.hrtime.bigint());
let hold: Hold | undefined;

async function perform(order: Order): Promise<string[]> {
  switch (order.do) {
    case 'acquire':
      hold = await new Lock(store, order.key).acquire({ timeout: 60_000 });
      return [now()];
    case 'release': {
      const at = now();
      await hold?.release();
      return [at];
    }
    case 'crowd': {
      const lock = new Lock(store, order.key);
      const use = () => lock.withLock(() => now(), { timeout: 120_000 });
      return Promise.all(Array.from({ length: order.waiters }, use));
    }
    case 'candidates':
      await Promise.all(
        Array.from({ length: order.count }, async (_, i) => {
          const client = newClient();
          await client.connect({ timeout: 60_000 });
          const election = new Election(client, order.role, {
            duration: order.duration,
            name: `${process.pid}-${i}`,
          });
          election.on('change', ({ state }) => {
            if (state === 'active') process.send?.({ at: [now()], active: true } satisfies Answer);
          });
          election.start();
        }),
      );
      return [];
  }
}

void store.connect({ timeout: 60_000 }).then(() => process.send?.({ at: [] } satisfies Answer));
process.on(
  'message',
  (order: Order) => void perform(order).then((at) => process.send?.({ at } satisfies Answer)),
);
process.on('disconnect', () => process.exit());
