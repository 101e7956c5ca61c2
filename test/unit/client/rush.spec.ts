import assert from 'node:assert/strict';
import { Rush } from '../../../src/client/rush';

describe('A rush of requests', () => {
  /** How many requests of each write, if so many are made at a time. */
  const writes = (rush: Rush, requests: number): number[] => {
    const sizes: number[] = [];
    let waiting = 0;
    for (let inFlight = 1; inFlight <= requests; inFlight++) {
      waiting++;
      if (waiting < rush.next(inFlight).count) continue;
      sizes.push(waiting);
      waiting = 0;
    }
    if (waiting > 0) sizes.push(waiting);
    return sizes;
  };

  it('that is one request goes out at once', () => {
    const rush = new Rush();
    for (let count = 0; count < 3; count++) assert.deepEqual(writes(rush, 1), [1]);
  });

  it('of many goes out in two halves, once it is known how many they are', () => {
    const rush = new Rush();
    writes(rush, 256);
    assert.deepEqual(writes(rush, 256), [128, 128]);
    assert.deepEqual(writes(rush, 16), [16]);
    assert.deepEqual(writes(rush, 16), [8, 8]);
    assert.deepEqual(writes(rush, 1), [1]);
    assert.deepEqual(writes(rush, 1), [1]);
  });

  it('does not wait for the next callback as long as few are in flight', () => {
    const rush = new Rush();
    for (let inFlight = 1; inFlight <= 16; inFlight++) assert.equal(rush.next(inFlight).until, 'callback');
    assert.equal(rush.next(17).until, 'turn');
  });
});
