import assert from 'node:assert/strict';
import { StoreClock } from '../../../src/client/store-clock';
import { compareHlc, formatHlc } from '../../../src/protocol/hlc';

const NOW = 1_700_000_000_000;

describe('The clock of requests', () => {
  it('is newer with every request, and than every version the store sent', () => {
    const clock = new StoreClock('client');
    const first = clock.tick(NOW);
    const store = { wallClockMs: NOW + 5000, counter: 7, nodeId: 'store' };
    assert.equal(clock.receive(formatHlc(store), NOW), true);
    const second = clock.tick(NOW);
    assert.ok(compareHlc(second, first) > 0);
    assert.ok(compareHlc(second, store) > 0);
  });

  it('begins again when the wall clock was set back by more than a minute', () => {
    const clock = new StoreClock('client');
    clock.tick(NOW);
    const { wallClockMs, nodeId } = clock.tick(NOW - 3_600_000);
    assert.deepEqual([wallClockMs, nodeId], [NOW - 3_600_000, 'client']);
  });

  it('is unchanged by a version that is malformed or more than a minute ahead', () => {
    const clock = new StoreClock('client');
    assert.equal(clock.receive('noon', NOW), false);
    const future = formatHlc({ wallClockMs: NOW + 61_000, counter: 0, nodeId: 'store' });
    assert.throws(() => clock.receive(future, NOW), { code: 'TIMESTAMP_SKEW' });
    assert.equal(clock.tick(NOW).wallClockMs, NOW);
  });
});
