/** What pages may ask for. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  bodyOf,
  expiryIn,
  flagIn,
  keyIn,
  keysIn,
  Refusal,
  valueIn,
} from '../../../../src/node-red/sidebar/page-request';

const refusal = (status: number) => (error: unknown) => error instanceof Refusal && error.status === status;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

describe('A request of a page', () => {
  it('is a JSON object', () => {
    const request = (body: unknown, json = true) => ({ is: () => json, body });
    assert.deepEqual(bodyOf(request({ a: 1 })), { a: 1 });
    assert.throws(() => bodyOf(request({ a: 1 }, false)), refusal(415));
    for (const body of [undefined, null, 'text', 1, [], true])
      assert.throws(() => bodyOf(request(body)), refusal(400));
  });

  it('has keys of any bytes, in base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (key) => {
        assert.deepEqual([...keyIn({ key: base64(key) })], [...key]);
        assert.deepEqual(keysIn({ keys: [base64(key)] }, 1), [base64(key)]);
      }),
    );
    for (const key of ['', 'a', 'ab', '*', 'YQ', 7, null, ['YQ==']])
      assert.throws(() => keyIn({ key }), refusal(400));
    assert.throws(() => keyIn({ key: base64(Buffer.alloc(60_001, 1)) }), refusal(413));
    assert.throws(() => keysIn({ keys: ['YQ==', 'Yg=='] }, 1), refusal(400));
    assert.throws(() => keysIn({ keys: 'YQ==' }, 1), refusal(400));
  });

  it('sees the other keys where one is too long', () => {
    const long = base64(Buffer.alloc(60_001, 1));
    assert.deepEqual(keysIn({ keys: ['YQ==', long, 'Yg=='] }, 3), ['YQ==', 'Yg==']);
    assert.throws(() => keysIn({ keys: [long, '?'] }, 3), refusal(400));
  });

  it('has values as text, as JSON or as bytes, and takes nothing from a prototype', () => {
    assert.equal(valueIn({ type: 'text', value: '{"a": 1}' }).toString(), '{"a": 1}');
    assert.equal(valueIn({ type: 'json', value: '{"a": [1, null]}' }).toString(), '{"a":[1,null]}');
    assert.deepEqual([...valueIn({ type: 'base64', value: base64(Buffer.from([0, 255])) })], [0, 255]);
    assert.throws(() => valueIn({ type: 'json', value: '{' }), refusal(400));
    assert.throws(() => valueIn({ type: 'base64', value: '*' }), refusal(400));
    assert.throws(() => valueIn({ type: 'toString', value: '' }), refusal(400));
    assert.throws(() => valueIn(Object.create({ type: 'text', value: 'x' })), refusal(400));
    assert.throws(() => valueIn({ type: 'text', value: 'é'.repeat(2 ** 19 + 1) }), refusal(413));
  });

  it('has an expiry in whole milliseconds, and flags', () => {
    assert.equal(expiryIn({}), undefined);
    assert.equal(expiryIn({ expiry: 1 }), 1);
    for (const expiry of [0, -1, 1.5, '10', Number.NaN])
      assert.throws(() => expiryIn({ expiry }), refusal(400));
    assert.equal(flagIn({ onlyIfNew: true }, 'onlyIfNew'), true);
    assert.equal(flagIn({}, 'onlyIfNew'), false);
    assert.throws(() => flagIn({ onlyIfNew: 1 }, 'onlyIfNew'), refusal(400));
  });
});
