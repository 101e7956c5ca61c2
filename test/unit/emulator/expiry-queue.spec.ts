import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Expiring, ExpiryQueue } from '../../../src/emulator/store/expiry-queue';

describe('Expiry queue', () => {
  it('returns entries by time, after any additions and removals', () => {
    const step = fc.record({ expiresAt: fc.nat(50), remove: fc.boolean(), pick: fc.nat() });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const queue = new ExpiryQueue<Expiring>();
        const model: Expiring[] = [];
        for (const { expiresAt, remove, pick } of steps) {
          if (remove && model.length > 0) {
            const [entry] = model.splice(pick % model.length, 1);
            queue.remove(entry as Expiring);
            queue.remove(entry as Expiring);
          } else {
            const entry = { expiresAt, queueIndex: -1 };
            model.push(entry);
            queue.add(entry);
          }
          assert.equal(
            queue.next()?.expiresAt,
            model.length ? Math.min(...model.map((one) => one.expiresAt)) : undefined,
          );
        }
        const out: number[] = [];
        for (let entry = queue.next(); entry; entry = queue.next()) {
          out.push(entry.expiresAt);
          queue.remove(entry);
        }
        assert.deepEqual(
          out,
          model.map((one) => one.expiresAt).sort((a, b) => a - b),
        );
        assert.equal(queue.size, 0);
      }),
    );
  });
});
