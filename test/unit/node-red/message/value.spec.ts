import assert from 'node:assert/strict';
import fc from 'fast-check';
import { valueFromBytes } from '../../../../src/node-red/message/value';

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
    );
    fc.assert(
      fc.property(space, word, space, (before, text, after) => {
        const all = Buffer.from(`${before}${text}${after}`).toString();
        assert.deepEqual(detect(Buffer.from(all)), parsed(all));
      }),
      { numRuns: 1000 },
    );
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
