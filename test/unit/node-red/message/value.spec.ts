import assert from 'node:assert/strict';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { StateStoreError } from '../../../../src/errors';
import { storedFromBytes, valueFromBytes, valueToBytes } from '../../../../src/node-red/message/value';

const detect = (bytes: Buffer) => valueFromBytes(bytes, 'auto-detect', () => ({}));

/** What auto-detect means, without its short cut. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

describe('A value that is detected', () => {
  it('is JSON where it is JSON, and text otherwise', () => {
    const space = fc.stringMatching(/^[ \t\n\r\u00a0]{0,2}$/);
    const word = fc.oneof(
      fc.json(),
      fc.string(),
      fc.constantFrom('', 'true', 'null', 'false', 'nul', '-1', '+1', '.5', '-', '"', '{', '\ufeff1', 'NaN'),
      fc.constantFrom('01', '1e5', '-1.5E-3', '2026-11-30', '[1', '{}]', '"a"b', '""', '[ ]', 'true1', '1 2'),
    );
    fc.assert(
      fc.property(space, word, space, (before, text, after) => {
        const all = Buffer.from(`${before}${text}${after}`).toString();
        assert.deepEqual(detect(Buffer.from(all)), parsed(all));
      }),
      { numRuns: 1000 },
    );
  });

  it('is decoded as UTF-8, however long it is, and with replacements where it is none and text is wanted', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(text, fc.constantFrom(1, 3000), fc.boolean(), (part, times, broken) => {
        const bytes = Buffer.concat([Buffer.from(part.repeat(times)), Buffer.from(broken ? [0xff] : [])]);
        const whole = bytes.toString('utf8');
        assert.equal(
          valueFromBytes(bytes, 'utf8', () => ({})),
          whole,
        );
        assert.deepEqual(detect(bytes), broken ? bytes : parsed(whole));
      }),
      { numRuns: 300 },
    );
  });

  it('has memory of its own, unless the given one is its own already', () => {
    const bytes = Buffer.from([0xff, 1]);
    for (const format of ['buffer', 'auto-detect'] as const) {
      assert.notEqual(
        valueFromBytes(bytes, format, () => ({})),
        bytes,
      );
      assert.equal(storedFromBytes(bytes, format, true), bytes);
    }
  });

  for (const text of ['12345678901234567890', '-9007199254740993', '1e400', ' 12345678901234567890\n'])
    it(`stays text if it is a number with more digits than JavaScript keeps: ${text.trim()}`, () => {
      assert.equal(detect(Buffer.from(text)), text);
    });

  for (const [text, number] of [
    ['9007199254740992', 2 ** 53],
    ['0.1000000000000000055', 0.1],
    ['-12', -12],
    ['1.0', 1],
  ] as const)
    it(`is a number if no digit of a whole number is lost: ${text}`, () => {
      assert.equal(detect(Buffer.from(text)), number);
    });

  it('stays bytes where it is no text', () => {
    assert.deepEqual(detect(Buffer.from([0xff, 0x31])), Buffer.from([0xff, 0x31]));
  });
});

describe('A value of a message', () => {
  const stored = (value: unknown) => Buffer.from(valueToBytes(value, 'msg.payload', () => ({})));
  const buffer = new Uint8Array([1, 2, 3, 4]).buffer;

  for (const [what, value, bytes] of [
    ['an ArrayBuffer', buffer, [1, 2, 3, 4]],
    ['a DataView', new DataView(buffer, 1, 2), [2, 3]],
    ['a typed array', new Uint16Array(buffer, 2, 1), [3, 4]],
    ['an array of a function node', runInNewContext('new Int8Array([-1, 1])'), [255, 1]],
    ['an ArrayBuffer of a function node', runInNewContext('new Uint8Array([7]).buffer'), [7]],
  ] as const) {
    it(`is stored as its bytes if it is ${what}`, () => {
      assert.deepEqual([...stored(value)], bytes);
    });
  }

  const refused = (words: RegExp) => (error: unknown) =>
    error instanceof StateStoreError && error.code === 'BAD_ARGUMENT' && words.test(error.message);
  for (const [what, value, words] of [
    ['a Map', new Map([['a', 1]]), /^msg\.payload is of type Map, which cannot be stored\. Convert it/],
    ['a Set of a function node', runInNewContext('new Set([1])'), /of type Set/],
    ['an Error', new TypeError('x'), /of type TypeError/],
    ['an Error with a code', Object.assign(new Error('x'), { code: 'E' }), /of type Error/],
    ['a Promise', Promise.resolve(1), /of type Promise/],
    ['a WeakMap', new WeakMap(), /of type WeakMap/],
    ['a RegExp', /x/, /of type RegExp/],
    ['a Map in an object', { list: [1, { a: new Map() }] }, /^msg\.payload\.list\[1\]\.a is of type Map/],
    ['an ArrayBuffer in an object', { raw: buffer }, /^msg\.payload\.raw is of type ArrayBuffer/],
  ] as const) {
    it(`is refused if it is ${what}, which JSON would lose`, () => {
      assert.throws(() => stored(value), refused(words));
    });
  }

  class Point {
    x = 1;
  }
  for (const [value, json] of [
    [{}, '{}'],
    [{ a: {}, b: [{}] }, '{"a":{},"b":[{}]}'],
    [new Point(), '{"x":1}'],
    [Object.create(null), '{}'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ a: undefined, b: '{}' }, '{"b":"{}"}'],
    [runInNewContext('({ a: {} })'), '{"a":{}}'],
  ] as const) {
    it(`is stored as JSON: ${json}`, () => {
      assert.equal(stored(value).toString(), json);
    });
  }
});
