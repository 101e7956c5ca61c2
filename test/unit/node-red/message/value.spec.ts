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

  it('stays bytes where it is no text', () => {
    assert.deepEqual(detect(Buffer.from([0xff, 0x31])), Buffer.from([0xff, 0x31]));
  });
});
