/** What a page is sent of a value. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateStoreError } from '../../../../src/errors';
import { shownValue } from '../../../../src/node-red/sidebar/shown-value';

const found = (value: string | Uint8Array) => ({ found: true as const, value: Buffer.from(value) });
const HOLDER = 'left:0b0e7d3c-9d55-4a1e-8c0b-5b6f0e2d1a77';

describe('A value as it is shown', () => {
  it('is the beginning of a text, and never part of a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, most) => {
        const shown = shownValue(found(text), most);
        assert.ok('text' in shown && shown.text !== undefined);
        assert.ok(text.startsWith(shown.text));
        assert.equal(shown.size, Buffer.byteLength(text));
        assert.equal(shown.cut === true, Buffer.byteLength(text) > most);
        assert.ok(Buffer.byteLength(text) > most || shown.text === text);
        assert.ok(Buffer.byteLength(shown.text) > most - 4 || shown.text === text);
      }),
    );
  });

  it('is in base64 where it is no text', () => {
    assert.deepEqual(shownValue(found(Buffer.from([255, 0, 1])), 2), {
      ...{ found: true, size: 3, cut: true, base64: Buffer.from([255, 0]).toString('base64') },
    });
  });

  it('names who holds a lock', () => {
    assert.deepEqual(shownValue({ ...found(HOLDER), version: 'v' }, 100, 7), {
      ...{ found: true, size: HOLDER.length, text: HOLDER, version: 'v', holder: 'left', expires: 7 },
    });
    assert.equal('holder' in shownValue(found('left:0b0e7d3c'), 100), false);
  });

  it('is missing, or cannot be had', () => {
    assert.deepEqual(shownValue({ found: false }, 1), { found: false });
    const error = new StateStoreError('TIMEOUT', 'too late');
    assert.deepEqual(shownValue({ error }, 1), { error: { code: 'TIMEOUT', message: 'too late' } });
  });
});
