import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { PacketMemory } from '../../../src/mqtt/packet-memory';

describe('Memory of packets', () => {
  it('is used again for a packet of about the same size, and never for two at a time', () => {
    const memory = new PacketMemory();
    const first = memory.take(66_000);
    const second = memory.take(66_000);
    assert.deepEqual([first.length, second.length], [66_000, 66_000]);
    assert.notEqual(first.buffer, second.buffer);
    memory.giveBack(first);
    const third = memory.take(70_000);
    assert.equal(third.buffer, first.buffer);
    assert.equal(third.length, 70_000);
    assert.equal(memory.freeBytes, 0);
    assert.notEqual(memory.take(66_000).buffer, first.buffer);
  });

  it('of a small packet is not kept, nor is more than 32 MiB', () => {
    const memory = new PacketMemory();
    memory.giveBack(memory.take(1000));
    assert.equal(memory.freeBytes, 0);
    const all = Array.from({ length: 50 }, () => memory.take(2 ** 20));
    for (const packet of all) memory.giveBack(packet);
    assert.equal(memory.freeBytes, 2 ** 25);
  });

  it('is given up when it was not needed for a while', async () => {
    const memory = new PacketMemory(5);
    for (const packet of [memory.take(20_000), memory.take(200_000)]) memory.giveBack(packet);
    assert.ok(memory.freeBytes > 220_000);
    while (memory.freeBytes > 0) await turn();
    assert.equal(memory.take(20_000).length, 20_000);
  });
});
