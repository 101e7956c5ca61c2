import assert from 'node:assert/strict';
import fc from 'fast-check';
import { MAX_REPEATS, REPEAT_DEFAULT_MS, Repeats } from '../../../src/emulator/store/repeats';

const RESPONSE = { payload: Buffer.from('+OK\r\n'), version: 'v' };
const PAYLOAD = Buffer.from('SET');
const A = Buffer.from('a');
const request = (clientId: string, messageExpiryInterval?: number) => ({
  ...{ clientId, messageExpiryInterval, payload: PAYLOAD, timestamp: 't' },
});

describe('Repeats', () => {
  it('are known by client, correlation data and timestamp until they expire', () => {
    const repeats = new Repeats();
    const first = request('a', 10);
    repeats.add(first, A, RESPONSE, 0);
    assert.equal(repeats.find(first, A, 9_999)?.response, RESPONSE);
    assert.equal(repeats.find(first, A, 10_000), undefined);
    assert.equal(repeats.find(request('b', 10), A, 0), undefined);
    assert.equal(repeats.find(first, Buffer.from('b'), 0), undefined);
    assert.equal(repeats.find({ ...first, timestamp: 'u' }, A, 0), undefined);
    assert.equal(repeats.find({ ...first, payload: Buffer.alloc(0) }, A, 0), undefined);
    repeats.drop(10_000);
    assert.equal(repeats.size, 0);
  });

  it('without expiry are known for a minute', () => {
    const repeats = new Repeats();
    repeats.add(request('a'), A, RESPONSE, 0);
    assert.ok(repeats.find(request('a'), A, REPEAT_DEFAULT_MS - 1));
    assert.equal(repeats.find(request('a'), A, REPEAT_DEFAULT_MS), undefined);
  });

  it('with the correlation data of another one before take its place', () => {
    const repeats = new Repeats();
    const [first, second] = [request('a', 10), { ...request('a', 20), timestamp: 'u' }];
    repeats.add(first, A, RESPONSE, 0);
    repeats.add(second, A, RESPONSE, 0);
    assert.equal(repeats.size, 1);
    assert.equal(repeats.find(first, A, 0), undefined);
    assert.ok(repeats.find(second, A, 19_999));
  });

  it('are bounded in number: what expires first is forgotten first', () => {
    const repeats = new Repeats();
    const id = (i: number) => Buffer.from(String(i));
    for (let i = 0; i <= MAX_REPEATS; i++) repeats.add(request(`c${i % 9}`, 1 + (i % 2)), id(i), RESPONSE, 0);
    assert.equal(repeats.size, MAX_REPEATS);
    assert.equal(repeats.find(request('c0'), id(0), 0), undefined);
    assert.ok(repeats.find(request('c1'), id(1), 0));
  });

  it('of any expiry are forgotten when it is over, and not before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ life: fc.integer({ min: 1, max: 5 }), id: fc.nat(9), pause: fc.nat(1500) })),
        (writes) => {
          const repeats = new Repeats();
          const expected = new Map<number, number>();
          let now = 0;
          for (const { life, id, pause } of writes) {
            now += pause;
            repeats.add(request('a', life), Buffer.from([id]), RESPONSE, now);
            expected.set(id, now + life * 1000);
            for (const [one, end] of expected) {
              if (end <= now) expected.delete(one);
              else assert.ok(repeats.find(request('a'), Buffer.from([one]), now));
            }
            assert.equal(repeats.size, expected.size);
          }
        },
      ),
    );
  });
});
