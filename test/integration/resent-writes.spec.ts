import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type KeyChange, StateStoreClient, StateStoreError } from '../../src/index';
import { EmulatorProcess, REPEATS } from '../support/emulator-process';
import { FaultProxy } from '../support/fault-proxy';

const COUNT = 200;

/** A kind of write whose answer is lost after it was applied. */
interface Kind {
  name: string;
  /** What another client does before, so that the write can be applied. */
  prepare?: (other: StateStoreClient, key: string) => Promise<unknown>;
  write: (store: StateStoreClient, key: string, token: string) => Promise<object>;
  /** Actions of another client after the write was applied and before its caller has the result. */
  meanwhile?: (other: StateStoreClient, key: string, token: string) => Promise<unknown>;
  /** Results that a caller may get for the applied write, and the codes that leave it open. */
  truth: string;
  /** What the store holds then. */
  held: string | undefined;
}

const KINDS: Kind[] = [
  {
    name: 'SET NX, new key',
    write: (store, key) => store.set(key, 'mine', { condition: 'NX' }),
    ...{ truth: 'stored: true', held: 'mine' },
  },
  {
    name: 'SET NEX, deleted since',
    write: (store, key) => store.set(key, 'mine', { condition: 'NEX' }),
    meanwhile: (other, key) => other.delete(key),
    ...{ truth: 'stored: true', held: undefined },
  },
  {
    name: 'DEL, existing key',
    prepare: (other, key) => other.set(key, 'old'),
    write: (store, key) => store.delete(key),
    ...{ truth: 'deleted: true, found: true', held: undefined },
  },
  {
    name: 'DEL, set anew since',
    prepare: (other, key) => other.set(key, 'old'),
    write: (store, key) => store.delete(key),
    meanwhile: (other, key) => other.set(key, 'B'),
    ...{ truth: 'deleted: true, found: true', held: 'B' },
  },
  {
    name: 'VDEL, existing key',
    prepare: (other, key) => other.set(key, 'old'),
    write: (store, key) => store.deleteIfValue(key, 'old'),
    ...{ truth: 'deleted: true, found: true', held: undefined },
  },
  {
    name: 'SET with a fencing token, newer one since',
    write: (store, key, token) => store.set(key, 'mine', { fencingToken: token }),
    meanwhile: (other, key, token) => other.set(key, 'B', { fencingToken: token }),
    ...{ truth: 'stored: true', held: 'B' },
  },
  {
    name: 'SET A, B of another client since',
    write: (store, key) => store.set(key, 'A'),
    meanwhile: (other, key) => other.set(key, 'B'),
    ...{ truth: 'stored: true', held: 'B' },
  },
];

/** Codes that say that the outcome is unknown. */
const OPEN = ['OUTCOME_UNKNOWN', 'TIMEOUT'];

/** The result of a caller, without versions, which differ. */
function told(call: Promise<object>): Promise<string> {
  return call.then(
    (result) =>
      Object.entries(result)
        .filter(([name]) => name !== 'version')
        .map(([name, value]) => `${name}: ${value}`)
        .join(', '),
    (error) => {
      if (error instanceof StateStoreError) return error.code;
      throw error;
    },
  );
}

function countsOf(of: readonly (string | undefined)[]): string {
  const counts = new Map<string, number>();
  for (const one of of) counts.set(one ?? 'nothing', (counts.get(one ?? 'nothing') ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join('; ');
}

describe('Writes that were applied, whose answers were lost with the connection while the session was kept', () => {
  for (const repeats of REPEATS) {
    describe(`with a store in which repeats are ${repeats}`, () => {
      let emulator: EmulatorProcess;
      let proxy: FaultProxy;
      let store: StateStoreClient;
      let other: StateStoreClient;

      beforeEach(async () => {
        emulator = await EmulatorProcess.start(repeats);
        proxy = await FaultProxy.start(() => emulator.port);
        store = new StateStoreClient({ host: '127.0.0.1', port: proxy.port, timeout: 30_000 });
        other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, timeout: 30_000 });
      });
      afterEach(async () => {
        await store.close();
        await other.close();
        await proxy.close();
        await emulator.kill();
      });

      for (const kind of KINDS) {
        it(`${COUNT} times ${kind.name}: no caller gets a wrong result`, async () => {
          const keys = Array.from({ length: COUNT }, (_, i) => `key/${i}`);
          const each = <T>(act: (key: string) => Promise<T>) => Promise.all(keys.map(act));
          const older = (await other.set('token', '1')).version ?? '';
          const newer = (await other.set('token', '2')).version ?? '';
          if (kind.prepare) await each((key) => kind.prepare?.(other, key) ?? Promise.resolve());
          await store.connect();
          const applied = new Set<string>();
          const change = new EventEmitter();
          const watch = ({ key }: KeyChange) => {
            applied.add(key.toString());
            change.emit('change');
          };
          const observations = await each((key) => other.observe(key, watch));

          proxy.drop = 'down';
          const calls = keys.map((key) => told(kind.write(store, key, older)));
          while (applied.size < COUNT) await once(change, 'change');
          await Promise.all(observations.map((one) => one.close()));
          await each((key) => kind.meanwhile?.(other, key, newer) ?? Promise.resolve());
          proxy.heal();
          const lost = once(store, 'state');
          proxy.reset();
          await lost;
          const answers = await Promise.all(calls);
          // A repeated write has reached the store before this, on the same connection.
          await store.get('token');
          const held = await each(async (key) => {
            const got = await other.get(key);
            return got.found ? got.value.toString() : undefined;
          });
          console.log(`          told: ${countsOf(answers)}`);
          console.log(`          the store holds: ${countsOf(held)}`);

          const wrong = answers.filter((answer) => answer !== kind.truth && !OPEN.includes(answer));
          assert.equal(countsOf(wrong), '', 'false answers');
          assert.equal(countsOf(held), countsOf(keys.map(() => kind.held)), 'the store holds');
        });
      }
    });
  }
});
