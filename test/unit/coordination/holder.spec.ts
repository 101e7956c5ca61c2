/** The text under the key of a lease. */
import assert from 'node:assert/strict';
import { holderName, holderText, isHolder, parseHolder } from '../../../src/coordination/holder';

const UUID = '0b5e2f7c-4a1d-4c3e-9f00-1234567890ab';

describe('The text of a holder', () => {
  it('has its name, its ID and the duration of its lease', () => {
    const text = holderText(`left: pump:${UUID}`, 10_000);
    assert.deepEqual(parseHolder(text), {
      name: 'left: pump',
      id: `left: pump:${UUID}`,
      duration: 10_000,
    });
    assert.deepEqual([holderName(text), isHolder(text)], ['left: pump', true]);
  });

  it('of an earlier version of this package has no duration', () => {
    assert.deepEqual(parseHolder(`left:${UUID}`), {
      name: 'left',
      id: `left:${UUID}`,
      duration: undefined,
    });
  });

  for (const text of ['', 'rust', 'client:session', `${UUID}:x`, 'line\nfeed:1000'])
    it(`of another client is its own name: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseHolder(text), { name: text, id: text, duration: undefined });
      assert.equal(isHolder(text), false);
    });
});
