import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateStoreError } from '../../../src/errors';
import { encodeArray, encodeItem, type Item, parseArray, parseItem } from '../../../src/protocol/resp3';
import { bytes, isBadResponse, plain } from '../../support/arbitraries';

/** Bytes that a parser is to understand as they are, or refuse: nothing in between. */
function faithful(parse: (data: Buffer) => Buffer, data: Buffer): void {
  let encoded: Buffer;
  try {
    encoded = parse(data);
  } catch (error) {
    assert.ok(isBadResponse(error), `not an error of ours: ${error}`);
    return;
  }
  assert.deepEqual(encoded, data);
}

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ type: fc.constant('simple' as const), text: fc.stringMatching(/^[^\r\n]*$/) }, plain),
  fc.record({ type: fc.constant('error' as const), text: fc.stringMatching(/^[^\r\n ][^\r\n]*$/) }, plain),
  fc.record({ type: fc.constant('number' as const), value: fc.maxSafeInteger() }, plain),
  fc.record({ type: fc.constant('blob' as const), value: fc.option(bytes) }, plain),
);

describe('RESP3', () => {
  it('writes the bytes that the reference shows', () => {
    assert.equal(
      encodeArray(['SET', 'SETKEY2', 'VALUE5']).toString(),
      '*3\r\n$3\r\nSET\r\n$7\r\nSETKEY2\r\n$6\r\nVALUE5\r\n',
    );
  });

  it('counts bytes, not characters', () => {
    assert.equal(encodeArray(['ключ']).toString(), '*1\r\n$8\r\nключ\r\n');
  });

  it('brings any array of any bytes back', () => {
    fc.assert(
      fc.property(fc.array(bytes), (items) => {
        assert.deepEqual(parseArray(encodeArray(items)), items);
      }),
    );
  });

  it('brings any item back', () => {
    fc.assert(fc.property(item, (one) => assert.deepEqual(parseItem(encodeItem(one)), one)));
  });

  it('refuses every truncation', () => {
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1 }), fc.nat(), (items, cut) => {
        const whole = encodeArray(items);
        assert.throws(() => parseArray(whole.subarray(0, cut % whole.length)), isBadResponse);
      }),
    );
    fc.assert(
      fc.property(item, fc.nat(), (one, cut) => {
        const whole = encodeItem(one);
        assert.throws(() => parseItem(whole.subarray(0, cut % whole.length)), isBadResponse);
      }),
    );
  });

  it('refuses corrupted bytes or understands exactly what they say now', () => {
    const position = fc.nat();
    const byte = fc.nat(255);
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1 }), position, byte, (items, at, value) => {
        const data = encodeArray(items);
        data[at % data.length] = value;
        faithful((changed) => encodeArray(parseArray(changed)), data);
      }),
      { numRuns: 2000 },
    );
    const blob = fc.record({ type: fc.constant('blob' as const), value: bytes }, plain);
    fc.assert(
      fc.property(blob, position, byte, (one, at, value) => {
        const data = encodeItem(one);
        data[at % data.length] = value;
        // A first byte of + or - makes a line of text of it; how those are read has a test of its own.
        fc.pre(!['+', '-'].includes(data.toString('latin1', 0, 1)));
        faithful((changed) => encodeItem(parseItem(changed)), data);
      }),
      { numRuns: 2000 },
    );
  });

  it('survives random bytes', () => {
    const random = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(random, (data) => faithful((given) => encodeArray(parseArray(given)), data)),
      { numRuns: 5000 },
    );
  });

  for (const [name, payload] of [
    ['a count of a thousand million items', '*1000000000\r\n$1\r\na\r\n'],
    ['a count beyond 2^53', '*99999999999999999999\r\n'],
    ['a length of a thousand million bytes', '*1\r\n$1000000000\r\na\r\n'],
    ['a length that is one too long', '*1\r\n$2\r\na\r\n'],
    ['a length that is one too short', '*1\r\n$1\r\nab\r\n'],
    ['a negative length', '*1\r\n$-2\r\na\r\n'],
    ['a null in an array', '*1\r\n$-1\r\n'],
    ['a negative count', '*-1\r\n'],
    ['a leading zero', '*01\r\n$1\r\na\r\n'],
    ['a plus sign', '*+1\r\n$1\r\na\r\n'],
    ['bytes after the end', '*1\r\n$1\r\na\r\nx'],
    ['no line end', '*1'],
    ['nothing', ''],
  ] as const) {
    it(`refuses ${name} without allocating for it`, () => {
      const before = process.memoryUsage().arrayBuffers;
      assert.throws(() => parseArray(Buffer.from(payload)), isBadResponse);
      assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
    });
  }

  // What the public Rust client refuses, it refuses, too.
  for (const payload of [
    '1',
    '11\r\nhello world\r\n',
    '$11hello world\r\n',
    '$11\r\nhello world',
    '$not an integer\r\nhello world',
    '$11\r\nthis string is longer than 11 characters\r\n',
    'ERR description\r\n',
    '-ERR description',
    ':',
    '1234\r\n',
    ':1234',
    ':not an integer\r\n',
    '+',
    'OK\r\n',
    '+OK',
  ]) {
    it(`refuses the answer ${JSON.stringify(payload)}`, () => {
      assert.throws(() => parseItem(Buffer.from(payload)), StateStoreError);
    });
  }

  it('reads an error with and without the colon, and keeps a text it does not know', () => {
    for (const [payload, text] of [
      ['-ERR syntax error\r\n', 'syntax error'],
      ['-ERR: syntax error\r\n', 'syntax error'],
      ['-ERR \r\n', ''],
      ['-BUSY come back\r\n', 'BUSY come back'],
    ] as const) {
      assert.deepEqual(parseItem(Buffer.from(payload)), { type: 'error', text });
    }
  });

  it('reads "not applied" in both spellings', () => {
    for (const payload of [':-1\r\n', '-1\r\n']) {
      assert.deepEqual(parseItem(Buffer.from(payload)), { type: 'number', value: -1 });
    }
  });

  it('distinguishes an empty value from a missing one', () => {
    assert.deepEqual(parseItem(Buffer.from('$0\r\n\r\n')), { type: 'blob', value: Buffer.alloc(0) });
    assert.deepEqual(parseItem(Buffer.from('$-1\r\n')), { type: 'blob', value: null });
  });
});
