/** The durations of requests in the metrics of a client. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';

describe('The duration of a request', () => {
  it('is measured from its call to its answer, whether answers come one by one or together', async () => {
    await using emulator = await Emulator.start({ port: 0 });
    await using store = new StateStoreClient({ port: emulator.port });
    const took = async (requests: number) => {
      const begin = performance.now();
      await Promise.all(Array.from({ length: requests }, () => store.get('k')));
      return performance.now() - begin;
    };
    await store.connect();
    const one = await took(1);
    await pause(50);
    const many = await took(200);
    const [metrics] = store.metrics.requests;
    assert.deepEqual([metrics?.operation, metrics?.count], ['get', 201]);
    const sumMs = (metrics?.sumSeconds ?? 0) * 1000;
    assert.ok(sumMs > 0 && sumMs <= one + 200 * many, `${sumMs} of at most ${one + 200 * many}`);
  });
});
