import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Pending } from '../../../src/client/pending';
import { Request } from '../../../src/client/request';
import { RequestQueue } from '../../../src/client/request-queue';

/** Every request may go out. */
const ANY = { mayPublish: () => true };
const LIMITS = { queueLimit: 3, queueByteLimit: 100 };

function pending(key: string, { urgent = false, bytes = 10 } = {}): Pending {
  const ignore = () => undefined;
  const one = new Pending(new Request('get', key, () => undefined, { urgent }, 1000), [], ignore, ignore, 0);
  one.payload = Buffer.alloc(bytes);
  return one;
}

function keys(queue: RequestQueue): string {
  return queue
    .all()
    .map(({ request }) => request.key)
    .join(' ');
}

describe('A queue of requests', () => {
  it('has urgent requests in front of all others, each kind in the order of the calls', () => {
    const queue = new RequestQueue(LIMITS);
    for (const [key, urgent] of [
      ['a', false],
      ['U', true],
      ['b', false],
      ['V', true],
    ] as const)
      queue.add(pending(key, { urgent }));
    assert.equal(keys(queue), 'U V a b');
    assert.equal(queue.take('urgent', 0, ANY)?.request.key, 'U');
    assert.equal(queue.take('usual', 0, ANY)?.request.key, 'a');
    assert.equal(keys(queue), 'V b');
  });

  it('is full by number or by bytes, and counts no urgent request', () => {
    const queue = new RequestQueue(LIMITS);
    for (let i = 0; i < 5; i++) queue.add(pending('U', { urgent: true, bytes: 1000 }));
    assert.equal(queue.fullBy(10), undefined);
    const all = ['a', 'b', 'c'].map((key) => pending(key, { bytes: 30 }));
    for (const one of all.slice(0, 2)) queue.add(one);
    assert.equal(queue.fullBy(40), undefined);
    assert.equal(queue.fullBy(41), 'bytes');
    queue.add(all[2] as Pending);
    assert.equal(queue.fullBy(1), 'number');
    assert.equal(queue.bytes, 90);
    for (const one of all) queue.delete(one);
    assert.deepEqual([queue.bytes, queue.size, queue.fullBy(1)], [0, 5, undefined]);
  });

  it('lets one request of any size wait alone', () => {
    const queue = new RequestQueue(LIMITS);
    assert.equal(queue.fullBy(1_000_000), undefined);
    queue.add(pending('large', { bytes: 1_000_000 }));
    assert.equal(queue.fullBy(1), 'bytes');
  });

  it('keeps late requests apart: nothing waits behind them, and no limit counts them', () => {
    const queue = new RequestQueue(LIMITS);
    const late = pending('late', { bytes: 100 });
    queue.add(late);
    assert.equal(queue.isBehindOthers(false), true);
    assert.equal(queue.take('usual', 950, ANY), undefined);
    assert.deepEqual(
      [queue.isBehindOthers(false), queue.size, queue.bytes, keys(queue)],
      [false, 1, 0, 'late'],
    );
    queue.delete(late);
    assert.equal(queue.size, 0);
  });

  it('has requests that are put back in front of their lanes, in their order', () => {
    const queue = new RequestQueue(LIMITS);
    queue.add(pending('c'));
    queue.add(pending('V', { urgent: true }));
    queue.putBack([pending('a'), pending('U', { urgent: true }), pending('b')]);
    assert.equal(keys(queue), 'U V a b c');
  });

  it('passes requests over that would overtake others of their keys, and looks at a bounded number of them', () => {
    const queue = new RequestQueue(LIMITS);
    for (const key of ['a', 'a', 'b', 'a', 'c']) queue.add(pending(key));
    let looks = 0;
    const notA = {
      mayPublish: ({ request }: Pending) => {
        looks++;
        return request.key !== 'a';
      },
    };
    assert.equal(queue.take('usual', 0, notA)?.request.key, 'b');
    assert.equal(queue.take('usual', 0, notA)?.request.key, 'c');
    assert.equal(keys(queue), 'a a a');
    for (let i = 0; i < 10_000; i++) queue.add(pending('a'));
    looks = 0;
    assert.equal(queue.take('usual', 0, notA), undefined);
    assert.ok(looks < 1000);
  });

  it('keeps its order and its sums, whichever requests leave it', () => {
    const events = fc.array(fc.oneof(fc.constant('add'), fc.nat({ max: 9 })), { maxLength: 200 });
    fc.assert(
      fc.property(events, (all) => {
        const queue = new RequestQueue(LIMITS);
        let expected: Pending[] = [];
        for (const [index, event] of all.entries()) {
          if (typeof event === 'number') {
            const one = expected[event];
            if (!one) continue;
            queue.delete(one);
            queue.delete(one);
            expected = expected.filter((other) => other !== one);
          } else {
            const one = pending(String(index), { bytes: index });
            queue.add(one);
            expected.push(one);
          }
          assert.deepEqual(queue.all(), expected);
          assert.equal(queue.size, expected.length);
          assert.equal(
            queue.bytes,
            expected.reduce((sum, { payload }) => sum + (payload?.length ?? 0), 0),
          );
        }
      }),
    );
  });
});
