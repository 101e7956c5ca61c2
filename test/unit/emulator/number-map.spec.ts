import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NumberMap } from '../../../src/emulator/number-map';

describe('A map of numbers', () => {
  it('is what a Map is, in the same order', () => {
    const key = fc.oneof(fc.nat(40), fc.nat(2 ** 48));
    const change = fc.record({ what: fc.constantFrom('set', 'set', 'delete', 'clear'), key });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const map = new NumberMap<number>();
        const expected = new Map<number, number>();
        for (const [index, { what, key: one }] of changes.entries()) {
          if (what === 'set') {
            map.set(one, index);
            expected.set(one, index);
          } else if (what === 'delete') {
            assert.equal(map.delete(one), expected.delete(one));
          } else if (index % 20 === 0) {
            map.clear();
            expected.clear();
          }
          assert.equal(map.get(one), expected.get(one));
          assert.equal(map.has(one), expected.has(one));
          assert.equal(map.size, expected.size);
        }
        assert.deepEqual(map.values(), [...expected.values()]);
      }),
    );
  });

  it('grows with what is in it', () => {
    const map = new NumberMap<number>();
    for (let i = 0; i < 1000; i++) map.set(i * 3, i);
    for (let i = 0; i < 1000; i += 2) map.delete(i * 3);
    for (let i = 0; i < 1000; i++) assert.equal(map.get(i * 3), i % 2 === 0 ? undefined : i);
  });
});
