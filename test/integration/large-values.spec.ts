/** The memory of large packets is used again: what arrives must be what was sent all the same. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient, StateStoreError } from '../../src/index';
import { FaultProxy } from '../support/fault-proxy';

const LANES = 16;
const ROUNDS = 25;
/** Values below and above the sizes from which packets are treated in other ways. */
const SIZES = [1000, 16_000, 17_000, 66_000, 150_000, 262_000, 400_000];

describe('Large values', () => {
  let emulator: Emulator;
  let proxy: FaultProxy;
  let store: StateStoreClient;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    proxy = await FaultProxy.start(() => emulator.port);
    store = new StateStoreClient({ host: '127.0.0.1', port: proxy.port, cleanStart: false, timeout: 2000 });
    await store.connect();
  });
  afterEach(async () => {
    await store.close();
    await proxy.close();
    await emulator.close();
  });

  /** Every byte of a value says which one it is. */
  const contentOf = (lane: number, round: number) =>
    Buffer.alloc(SIZES[(lane + round) % SIZES.length] as number, (lane * ROUNDS + round) % 251);

  /** Resolves with how many requests had a result. */
  const run = async (onWrite: (count: number) => void): Promise<number> => {
    let count = 0;
    let results = 0;
    const lane = async (number: number) => {
      for (let round = 0; round < ROUNDS; round++) {
        const value = contentOf(number, round);
        const stored = store.set(`lane/${number}`, value, { repeatable: true });
        // The caller may do with its bytes what it likes.
        value.fill(255);
        onWrite(++count);
        await stored.then(() => results++, ignore);
        const got = await store.get(`lane/${number}`).catch(ignore);
        if (!got?.found) continue;
        results++;
        // The last write may have come to nothing, or come late.
        const rounds = Array.from({ length: round + 1 }, (_, before) => round - before);
        const written = rounds.find((one) => contentOf(number, one).equals(got.value));
        assert.notEqual(written, undefined, `lane ${number}, round ${round}`);
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
    return results;
  };
  const ignore = (error: unknown) => {
    assert.ok(error instanceof StateStoreError && error.retryable, String(error));
  };

  it('arrive unchanged, however many are under way', async () => {
    assert.equal(await run(() => undefined), 2 * LANES * ROUNDS);
  }).timeout(60_000);

  it('arrive unchanged if connections are lost, and packets are sent again', async () => {
    const results = await run((count) => {
      if (count === 100) proxy.cut();
      if (count === 250) proxy.reset();
    });
    assert.ok(results > LANES * ROUNDS);
  }).timeout(60_000);
});
