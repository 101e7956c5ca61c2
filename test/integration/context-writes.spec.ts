/** The writes of a context store, as the metrics count them. */
import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { healthParts } from '../../src/health/parts';
import { openStore, set, until } from '../support/context';

describe('A context store', () => {
  for (const cache of [true, false]) {
    it(`${cache ? 'with' : 'without'} cache counts writes without an outcome, and writes that failed`, async () => {
      await using emulator = await Emulator.start({ port: 0, maximumPacketSize: 10_000 });
      const store = await openStore(emulator.port, { cache });
      const counts = () => healthParts()[0]?.writes?.();
      assert.deepEqual(counts(), { pending: 0, failed: 0 });
      const written = ['a', 'b'].map((key) => set(store, 'global', key, 1));
      assert.deepEqual(counts(), { pending: 2, failed: 0 });
      await Promise.all(written);
      await until(() => counts()?.pending === 0);
      assert.deepEqual(counts(), { pending: 0, failed: 0 });
      await assert.rejects(set(store, 'global', 'large', 'x'.repeat(20_000)), { code: 'BAD_ARGUMENT' });
      await until(() => counts()?.pending === 0);
      assert.deepEqual(counts(), { pending: 0, failed: 1 });
      await store.close();
      assert.deepEqual(healthParts(), []);
    });
  }
});
