import assert from 'node:assert/strict';
import { changeOf } from '../../../../src/node-red/behaviour/change';

describe('A change', () => {
  it('that sets a buffer sets what was in it when it was asked for', () => {
    const value = Buffer.from('first');
    const context = { operation: 'update', key: 'k' } as const;
    const given = { value, label: 'msg.payload' };
    const change = changeOf({ kind: 'set', given, start: undefined, keep: '', context });
    value.write('other');
    assert.equal(Buffer.from(change(undefined)).toString(), 'first');
  });
});
