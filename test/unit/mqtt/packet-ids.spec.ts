import assert from 'node:assert/strict';
import { PacketIds } from '../../../src/mqtt/packet-ids';

describe('Packet identifiers', () => {
  it('of an open SUBSCRIBE and of publishes under way are not given to a publish', () => {
    const published = new Set([7, 8, 9]);
    const ids = new PacketIds((packetId) => published.has(packetId));
    const subscribe = ids.allocate();
    const round = Array.from({ length: 65_535 - 1 - published.size }, () => ids.next());
    assert.equal(new Set(round).size, round.length);
    assert.equal(
      round.includes(subscribe) || round.some((id) => published.has(id) || id < 1 || id > 65_535),
      false,
    );
    ids.deallocate(subscribe);
    assert.equal(ids.next(), subscribe);
  });

  it('of a SUBSCRIBE on an earlier connection are free again', () => {
    const ids = new PacketIds(() => false);
    const subscribe = ids.allocate();
    ids.clear();
    const round = Array.from({ length: 65_535 }, () => ids.next());
    assert.equal(round.includes(subscribe), true);
  });
});
