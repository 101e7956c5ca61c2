import assert from 'node:assert/strict';
import { BackPressure } from '../../../src/client/back-pressure';
import type { Pending } from '../../../src/client/pending';
import { pendingRequest } from '../../support/pending';

const write = (key: string, order: number) => pendingRequest('set', key, { order });
const read = (key: string, order: number) => pendingRequest('get', key, { order });

describe('Back-pressure of the broker', () => {
  let pressure: BackPressure;
  const reject = (pending: Pending, now: number, others: Pending[] = []) =>
    pressure.reject(pending, now, () => [pending, ...others]);

  beforeEach(() => {
    pressure = new BackPressure(() => 0);
  });

  it('pauses after a rejection, longer each time nothing was accepted since, up to a second', () => {
    const a = write('a', 1);
    const pauses: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      pauses.push(reject(a, i));
      assert.equal(pressure.isPausing, true);
      assert.equal(reject(write('b', 2), i), undefined, 'a pause under way is not longer for that');
      pressure.endPause();
      assert.equal(pressure.isPausing, false);
      pressure.publish(a);
    }
    assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
    pressure.acknowledge(write('b', 2), true, 9);
    assert.equal(reject(a, 9), 50);
  });

  it('takes a random half off each pause', () => {
    pressure = new BackPressure(() => 0.999);
    const pause = reject(write('a', 1), 0) ?? 0;
    assert.ok(pause > 25 && pause < 26);
  });

  it('keeps the order of a key: a request waits for the one before it', () => {
    const [a1, a2, a3] = [write('a', 1), write('a', 2), write('a', 3)];
    reject(a1, 0, [a2]);
    assert.equal(pressure.mayPublish(write('b', 4)), true);
    assert.equal(pressure.mayPublish(a1), false, 'a2 is on its way');
    reject(a2, 1);
    assert.deepEqual(
      [a1, a2, a3].map((one) => pressure.mayPublish(one)),
      [true, false, false],
    );
    pressure.publish(a1);
    assert.deepEqual(
      [a2, a3].map((one) => pressure.mayPublish(one)),
      [false, false],
    );
    assert.deepEqual(pressure.acknowledge(a1, true, 2), []);
    assert.deepEqual(
      [a2, a3].map((one) => pressure.mayPublish(one)),
      [true, false],
    );
  });

  it('names rejected writes that a later write has overtaken, and only those', () => {
    const [a1, a2, a3, b1] = [write('a', 1), read('a', 2), write('a', 3), write('b', 4)];
    reject(a1, 0, [a2, a3, b1]);
    assert.deepEqual(pressure.acknowledge(a2, true, 1), [], 'a read undoes nothing');
    assert.deepEqual(pressure.acknowledge(b1, true, 1), []);
    assert.deepEqual(pressure.acknowledge(a3, true, 1), [a1]);
    assert.deepEqual([...pressure.rejected], []);
  });

  it('lets a rejected read go again after a later write: both were under way at the same time', () => {
    const [a1, a2] = [read('a', 1), write('a', 2)];
    reject(a1, 0, [a2]);
    assert.deepEqual(pressure.acknowledge(a2, true, 1), []);
    assert.equal(pressure.mayPublish(a1), true);
  });

  it('says nothing of a request that the broker refused for another reason', () => {
    const [a1, a2] = [write('a', 1), write('a', 2)];
    reject(a1, 0, [a2]);
    assert.deepEqual(pressure.acknowledge(a2, false, 1), []);
    assert.equal(pressure.mayPublish(a1), true);
  });

  it('ends ten seconds after the last rejection, and with the connection', () => {
    const a = write('a', 1);
    reject(a, 0);
    pressure.publish(a);
    pressure.acknowledge(a, true, 9000);
    assert.equal(pressure.isOn, true);
    pressure.acknowledge(write('b', 2), true, 10_001);
    assert.equal(pressure.isOn, false);
    reject(a, 20_000);
    pressure.reset();
    assert.deepEqual([pressure.isOn, [...pressure.rejected], pressure.isPausing], [false, [], false]);
  });
});
