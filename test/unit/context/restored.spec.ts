import assert from 'node:assert/strict';
import { addClaims, type Entries, isDeleted, parseEntries } from '../../../src/context/restored';

const version = (ms: number) => `${String(ms).padStart(15, '0')}:00000:store`;
const value = (ms: number, digest: string) => ({ name: 'k', version: version(ms), digest });
const deleted = (ms: number) => ({ name: 'k', version: version(ms), digest: undefined });

describe('The claim of a lost key', () => {
  for (const [name, first, second, verdict] of [
    ['loses to a newer value', value(2, 'new'), value(1, 'old'), { wins: false, over: [] }],
    ['wins over an older value', value(1, 'old'), value(2, 'new'), { wins: true, over: ['old'] }],
    ['loses to the same version', value(1, 'one'), value(1, 'one'), { wins: false, over: [] }],
    ['loses to a newer delete', deleted(2), value(1, 'old'), { wins: false, over: [] }],
    ['wins over an older delete', deleted(1), value(2, 'new'), { wins: true, over: [] }],
    [
      'wins over the value that the delete removed',
      value(1, 'old'),
      deleted(1),
      { wins: true, over: ['old'] },
    ],
  ] as const)
    it(name, () => {
      const entries: Entries = {};
      assert.deepEqual(addClaims(entries, [first], 'a'), [{ wins: true, over: [] }]);
      const stored = parseEntries(Buffer.from(JSON.stringify(entries)));
      assert.deepEqual(addClaims(stored, [second], 'b'), [verdict]);
    });

  it('is answered alike if it is made again, and knows all older values', () => {
    const entries: Entries = {};
    addClaims(entries, [value(1, 'one')], 'a');
    addClaims(entries, [value(2, 'two')], 'b');
    for (let i = 0; i < 2; i++)
      assert.deepEqual(addClaims(entries, [value(3, 'three')], 'c'), [{ wins: true, over: ['one', 'two'] }]);
  });

  it('of a delete is seen by the process that restored an older value', () => {
    const entries: Entries = {};
    addClaims(entries, [value(1, 'one')], 'a');
    assert.equal(isDeleted(entries, 'k', version(1)), false);
    addClaims(entries, [deleted(2)], 'b');
    assert.equal(isDeleted(entries, 'k', version(1)), true);
  });

  it('may have any name, and text that is no list of claims has none', () => {
    const entries: Entries = {};
    addClaims(entries, [{ ...value(1, 'x'), name: '__proto__' }], 'a');
    assert.equal(isDeleted(entries, 'toString', version(1)), false);
    assert.deepEqual(Object.keys(parseEntries(Buffer.from(JSON.stringify(entries)))), ['__proto__']);
    for (const text of ['', 'null', '[1]', '{"k":1}', '{"k":{"version":1}}'])
      assert.deepEqual(parseEntries(Buffer.from(text)), {});
  });
});
