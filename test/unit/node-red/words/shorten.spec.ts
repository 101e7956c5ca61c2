import assert from 'node:assert/strict';
import { shorten } from '../../../../src/node-red/words/shorten';

describe('A text that is too long', () => {
  for (const [text, most, expected] of [
    ['left', 4, 'left'],
    ['', 3, ''],
    ['node-red-7d9f8b6c5-x2x4z', 10, 'node-…2x4z'],
    ['plant-controller-2', 10, 'plant…er-2'],
    ['abcdef', 5, 'ab…ef'],
    ['abcdef', 1, 'a…f'],
  ] as const) {
    it(`"${text}" in ${most} characters keeps its beginning and its end`, () => {
      assert.equal(shorten(text, most), expected);
    });
  }
});
