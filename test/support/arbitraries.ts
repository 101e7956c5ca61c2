/** Generators that several property tests share. */
import fc from 'fast-check';
import { StateStoreError } from '../../src/errors';
import type { Command, SetCommand } from '../../src/protocol/commands';
import type { Hlc } from '../../src/protocol/hlc';

/** Objects as the code makes them, with a prototype. */
export const plain = { noNullPrototype: true } as const;

/** Any bytes, bytes that look like RESP among them. */
export const bytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array)),
  fc
    .constantFrom('\r\n', '$5\r\nhello\r\n', '*1\r\n', '-ERR syntax error\r\n', '$-1\r\n', '😀')
    .map((text) => Buffer.from(text)),
);

export const key: fc.Arbitrary<Buffer> = bytes.filter((one) => one.length > 0);

export const hlc: fc.Arbitrary<Hlc> = fc.record(
  {
    wallClockMs: fc.maxSafeNat(),
    counter: fc.maxSafeNat(),
    nodeId: fc.stringMatching(/^[^:\r\n]{1,40}$/),
  },
  plain,
);

const set: fc.Arbitrary<SetCommand> = fc.record(
  {
    verb: fc.constant('SET' as const),
    key,
    value: bytes,
    condition: fc.constantFrom('NX' as const, 'NEX' as const),
    expiryMs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  },
  { requiredKeys: ['verb', 'key', 'value'], ...plain },
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  set,
  fc.record({ verb: fc.constant('GET' as const), key }, plain),
  fc.record({ verb: fc.constant('DEL' as const), key }, plain),
  fc.record({ verb: fc.constant('VDEL' as const), key, value: bytes }, plain),
  fc.record({ verb: fc.constant('KEYNOTIFY' as const), key, stop: fc.boolean() }, plain),
);

export function isBadResponse(error: unknown): boolean {
  return error instanceof StateStoreError && error.code === 'BAD_RESPONSE';
}
