import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareHlc, formatHlc, HybridLogicalClock, isSkewed, parseHlc } from '../../../src/protocol/hlc';
import { hlc } from '../../support/arbitraries';

const NOW = 1_700_000_000_000;

describe('Hybrid logical clock', () => {
  it('survives its text form', () => {
    fc.assert(fc.property(hlc, (one) => assert.deepEqual(parseHlc(formatHlc(one)), one)));
  });

  it('is written padded and read either way', () => {
    const one = { wallClockMs: NOW, counter: 7, nodeId: 'a' };
    assert.equal(formatHlc(one), '001700000000000:00007:a');
    assert.deepEqual(parseHlc('1700000000000:7:a'), one);
  });

  for (const text of [
    '',
    '1:2',
    '1:2:',
    ':2:a',
    'x:2:a',
    '1:x:a',
    '1:2:a:b',
    '-1:2:a',
    '1.5:2:a',
    '1:99999999999999999999:a',
  ]) {
    it(`does not read ${JSON.stringify(text)}`, () => assert.equal(parseHlc(text), undefined));
  }

  it('orders by milliseconds, then counter, then node ID', () => {
    const ordered = ['1:9:z', '2:0:z', '2:1:a', '2:1:b'].map(
      (text) => parseHlc(text) as NonNullable<ReturnType<typeof parseHlc>>,
    );
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) assert.equal(Math.sign(compareHlc(a, b)), Math.sign(i - j));
    }
  });

  it('has a total order', () => {
    fc.assert(
      fc.property(hlc, hlc, (a, b) => {
        assert.equal(Math.sign(compareHlc(a, b)), -Math.sign(compareHlc(b, a)));
        assert.equal(compareHlc(a, b) === 0, formatHlc(a) === formatHlc(b));
      }),
    );
  });

  it('only moves forward, for any change of the wall clock within a minute', () => {
    const event = fc.record({
      now: fc.integer({ min: 0, max: 60_000 }),
      remote: fc.option(fc.integer({ min: 0, max: 60_000 })),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 2 }), (events) => {
        const clock = new HybridLogicalClock('local');
        let last = { wallClockMs: 0, counter: -1, nodeId: '' };
        for (const { now, remote } of events) {
          const received =
            remote === null ? undefined : { wallClockMs: NOW + remote, counter: 3, nodeId: 'remote' };
          const next = received ? clock.receive(received, NOW + now) : clock.tick(NOW + now);
          assert.ok(compareHlc(next, last) > 0, 'newer than the last');
          if (received) assert.ok(compareHlc(next, received) > 0, 'newer than what was received');
          last = next;
        }
      }),
    );
  });

  it('counts up while the wall clock does not move, and begins again when it moves', () => {
    const clock = new HybridLogicalClock('a');
    const texts = [NOW, NOW, NOW - 5, NOW + 1].map((now) => formatHlc(clock.tick(now)));
    assert.deepEqual(texts, [
      '001700000000000:00000:a',
      '001700000000000:00001:a',
      '001700000000000:00002:a',
      '001700000000001:00000:a',
    ]);
  });

  it('takes the winning side and its counter plus one', () => {
    const clock = new HybridLogicalClock('a');
    clock.tick(NOW);
    const receive = (wallClockMs: number, counter: number, now: number) =>
      formatHlc(clock.receive({ wallClockMs, counter, nodeId: 'b' }, now));
    assert.equal(receive(NOW + 10, 4, NOW), '001700000000010:00005:a', 'remote wins');
    assert.equal(receive(NOW, 9, NOW), '001700000000010:00006:a', 'local wins');
    assert.equal(receive(NOW + 10, 20, NOW), '001700000000010:00021:a', 'equal: the larger counter');
    assert.equal(receive(NOW, 0, NOW + 50), '001700000000050:00000:a', 'the wall clock wins');
  });

  it('ignores itself', () => {
    const clock = new HybridLogicalClock('a');
    const before = clock.tick(NOW);
    assert.deepEqual(clock.receive({ wallClockMs: NOW + 30_000, counter: 0, nodeId: 'a' }, NOW), before);
  });

  it('refuses what is more than a minute ahead and stays as it is', () => {
    const clock = new HybridLogicalClock('a');
    clock.tick(NOW);
    const remote = (ahead: number) => ({ wallClockMs: NOW + ahead, counter: 0, nodeId: 'b' });
    assert.equal(isSkewed(remote(60_000), NOW), false);
    assert.throws(() => clock.receive(remote(60_001), NOW), {
      code: 'TIMESTAMP_SKEW',
      message: /60 seconds ahead/,
    });
    assert.equal(formatHlc(clock.tick(NOW)), '001700000000000:00001:a');
    assert.throws(() => clock.tick(NOW - 60_001), { code: 'TIMESTAMP_SKEW' });
  });
});
