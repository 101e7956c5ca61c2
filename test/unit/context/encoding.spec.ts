import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decode, encode } from '../../../src/context/encoding';

const back = (value: unknown) => decode(encode(value).json);

describe('The encoding of context values', () => {
  it('returns every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        assert.deepEqual(back(value), JSON.parse(JSON.stringify(value))),
      ),
    );
  });

  it('returns buffers in every place, and does not change values that only look like one', () => {
    const value = {
      list: [Buffer.from([0, 255])],
      like: { type: 'Buffer', data: 'text' },
      text: '"type":"Buffer"',
    };
    assert.deepEqual(back(value), value);
    assert.ok(Buffer.isBuffer(back(Buffer.from('x'))));
    assert.deepEqual(back({ type: 'Buffer', data: [1], more: 1 }), { type: 'Buffer', data: [1], more: 1 });
  });

  it('names what a circle leads back to', () => {
    const circle: Record<string, unknown> = { twice: { a: 1 }, list: [{}] };
    circle.self = circle;
    circle.again = circle.twice;
    (circle.list as object[])[0] = { up: circle.list };
    const { json, circular } = encode(circle);
    assert.equal(circular, true);
    assert.deepEqual(JSON.parse(json), {
      twice: { a: 1 },
      list: [{ up: '[Circular ~.list]' }],
      self: '[Circular ~]',
      again: { a: 1 },
    });
    assert.equal(encode({ a: 1 }).circular, false);
  });

  const mesh = (circles: boolean, size: number): object => {
    const objects = Array.from({ length: size }, (): object[] => []);
    for (const [from, refers] of objects.entries())
      for (const [to, other] of objects.entries())
        if (to > from || (circles && to !== from)) refers.push(other);
    return { mesh: objects };
  };
  for (const [name, value] of [
    ['nine objects that refer to each other', mesh(true, 9)],
    ['forty objects that refer to the ones after them', mesh(false, 40)],
  ] as const)
    it(`gives up soon if the parts of a value repeat each other: ${name}`, () => {
      assert.throws(() => encode(value), {
        code: 'BAD_ARGUMENT',
        message: /makes more than 4194304 bytes of JSON/,
      });
    });

  it('gives up a value with many parts that is larger than a packet of the broker while it is written', () => {
    const list = Array.from({ length: 200_000 }, (_, index) => ({ index }));
    assert.throws(() => encode(list, 100_000), { message: /more than 100000 bytes/ });
    assert.equal(JSON.parse(encode(list).json).length, list.length);
  });

  for (const [name, value] of Object.entries({
    function: () => 1,
    symbol: Symbol('s'),
    BigInt: 1n,
    'BigInt inside': { deep: [1n] },
    'what says that it is nothing': { toJSON: () => undefined },
  })) {
    it(`refuses what has no JSON: ${name}`, () => {
      assert.throws(() => encode(value), { code: 'BAD_ARGUMENT', message: /cannot be converted to JSON/ });
    });
  }

  it('takes what is no JSON as text', () => {
    assert.equal(decode('on'), 'on');
    assert.equal(decode(''), '');
    assert.equal(decode('21.5'), 21.5);
    assert.equal(decode('12345678901234567890'), '12345678901234567890');
  });
});
