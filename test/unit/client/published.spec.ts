import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Pending } from '../../../src/client/pending';
import { Published } from '../../../src/client/published';
import { Request } from '../../../src/client/request';

const REQUEST = new Request('get', 'key', () => undefined, {}, 1000);

function pending(packetId: number, order: number): Pending {
  const ignore = () => undefined;
  return Object.assign(new Pending(REQUEST, [], ignore, ignore, 0), { packetId, order });
}

describe('Publishes', () => {
  it('are found by their packet identifiers and kept in order, whichever stay for long', () => {
    const most = 5;
    const events = fc.array(fc.oneof(fc.constant('add'), fc.nat({ max: most })), { maxLength: 300 });
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 65_535 }), (all, first) => {
        const published = new Published(most);
        let expected: Pending[] = [];
        let packetId = first;
        for (const [order, event] of all.entries()) {
          if (typeof event === 'number') {
            const one = expected[event];
            if (!one) continue;
            published.delete(one);
            published.delete(one);
            expected = expected.filter((other) => other !== one);
          } else if (expected.length < most) {
            const before = packetId;
            // As the connection gives them out.
            do {
              packetId = packetId === 65_535 ? 1 : packetId + 1;
              assert.notEqual(packetId, before, 'there is always a free one');
            } while (published.isTaken(packetId));
            const one = pending(packetId, order);
            published.add(one);
            expected.push(one);
          }
          assert.equal(published.size, expected.length);
          assert.deepEqual(published.inOrder(), expected);
          for (const one of expected) assert.equal(published.get(one.packetId), one);
          assert.equal(published.get(0), undefined);
        }
        published.clear();
        assert.deepEqual([published.size, published.inOrder()], [0, []]);
      }),
    );
  });
});
