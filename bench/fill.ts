import type { StateStoreEngine } from '../src/emulator/engine';
import { formatHlc, HybridLogicalClock } from '../src/protocol/hlc';
import { encodeCommand } from '../test/support/encode-command';

/** Sets `count` keys of some 12 bytes with values of 16 bytes, without the network. `expiry` returns the milliseconds of each. */
export function fill(engine: StateStoreEngine, count: number, expiry?: (index: number) => number): void {
  const clock = new HybridLogicalClock('fill');
  const value = Buffer.alloc(16, 'x');
  for (let i = 0; i < count; i++) {
    const now = Date.now();
    const payload = encodeCommand({
      verb: 'SET',
      key: Buffer.from(`fill/${i}`),
      value,
      ...(expiry && { expiryMs: expiry(i) }),
    });
    engine.execute(
      { clientId: 'fill', payload, timestamp: formatHlc(clock.tick(now)) },
      now,
      performance.now(),
    );
  }
}
