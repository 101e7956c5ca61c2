/** The schemas of requests of pages. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  BODY,
  flag,
  list,
  object,
  oneOf,
  optional,
  optionalText,
  text,
  wholeNumber,
} from '../../../../src/node-red/sidebar/fields';
import { key, keys, valueIn } from '../../../../src/node-red/sidebar/keys-and-values';
import { Refusal } from '../../../../src/node-red/sidebar/refusal';

const refusal =
  (status: number, words = /./) =>
  (error: unknown) =>
    error instanceof Refusal && error.status === status && words.test(error.message);
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('A request of a page', () => {
  it('is an object, and takes nothing from a prototype', () => {
    const body = object({ a: optional(text(3)) });
    assert.deepEqual(body({ a: 'x', b: 1 }, BODY), { a: 'x' });
    assert.deepEqual(body(Object.create({ a: 'x' }), BODY), { a: undefined });
    for (const wrong of [undefined, null, 'text', 1, [], true])
      assert.throws(() => body(wrong, BODY), refusal(400, /the body must be an object/));
    assert.throws(() => body({ a: 7 }, BODY), refusal(400, /: a must be text/));
    assert.throws(() => object({ b: body })({ b: { a: 7 } }, BODY), refusal(400, /: b\.a must be text/));
    assert.throws(() => body({ a: 'long' }, BODY), refusal(413, /a must not be longer than 3/));
  });

  it('has fields of one type', () => {
    assert.equal(optionalText(3)(5, 'a'), '5');
    assert.equal(optionalText(3)(null, 'a'), undefined);
    assert.throws(() => optionalText(3)(true, 'a'), refusal(400, /a must be text or a number/));
    assert.equal(oneOf('x', 'y')('y', 'a'), 'y');
    assert.throws(() => oneOf('x', 'y')('toString', 'a'), refusal(400, /a must be one of "x", "y"/));
    assert.equal(flag()(undefined, 'a'), false);
    assert.equal(flag(true)(undefined, 'a'), true);
    assert.throws(() => flag()(1, 'a'), refusal(400, /a must be true or false/));
    assert.equal(wholeNumber(1)(1, 'a'), 1);
    for (const wrong of [0, -1, 1.5, '10', Number.NaN])
      assert.throws(() => wholeNumber(1)(wrong, 'a'), refusal(400, /a must be a whole number from 1/));
    assert.throws(() => list(text(3), 1)(['a', 'b'], 'a'), refusal(400, /a must be a list of at most 1/));
    assert.throws(() => list(text(3), 2)(['a', 7], 'a'), refusal(400, /a\[1\] must be text/));
  });

  it('has keys of any bytes, in base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        assert.deepEqual([...key(base64(bytes), 'key')], [...bytes]);
        assert.deepEqual(keys(1)([base64(bytes)], 'keys'), [base64(bytes)]);
      }),
    );
    for (const wrong of ['', 'a', 'ab', '*', 'YQ', 7, null, ['YQ==']])
      assert.throws(() => key(wrong, 'key'), refusal(400));
    assert.throws(() => key(base64(Buffer.alloc(60_001, 1)), 'key'), refusal(413));
    assert.throws(() => keys(1)(['YQ==', 'Yg=='], 'keys'), refusal(400));
    assert.throws(() => keys(1)('YQ==', 'keys'), refusal(400));
  });

  it('sees the other keys if one is too long', () => {
    const long = base64(Buffer.alloc(60_001, 1));
    assert.deepEqual(keys(3)(['YQ==', long, 'Yg=='], 'keys'), ['YQ==', 'Yg==']);
    assert.throws(() => keys(3)([long, '?'], 'keys'), refusal(400));
  });

  it('has values as text, as JSON or as bytes', () => {
    assert.equal(valueIn({ type: 'text', value: '{"a": 1}' }).toString(), '{"a": 1}');
    assert.equal(valueIn({ type: 'json', value: '{"a": [1, null]}' }).toString(), '{"a":[1,null]}');
    assert.deepEqual([...valueIn({ type: 'base64', value: base64(Buffer.from([0, 255])) })], [0, 255]);
    assert.throws(() => valueIn({ type: 'json', value: '{' }), refusal(400, /not valid JSON/));
    assert.throws(() => valueIn({ type: 'base64', value: '*' }), refusal(400));
    assert.throws(() => valueIn({ type: 'text', value: 'é'.repeat(2 ** 19 + 1) }), refusal(413));
  });
});
