import assert from 'node:assert/strict';
import { differenceOf, sharedPartOf } from '../../../src/storage/documents';

describe('Shared names', () => {
  it('are compared by their values', () => {
    assert.deepEqual(differenceOf({ a: 1, b: { c: 1 }, d: 2 }, { a: 1, b: { c: 2 }, e: 3 }), {
      put: { b: { c: 2 }, e: 3 },
      removed: ['d'],
    });
  });

  it('do not include the settings of one installation, its generated secret among them', () => {
    const settings = { _credentialSecret: 's', nodes: {}, instanceId: 'i', users: { admin: {} } };
    assert.deepEqual(sharedPartOf(settings), { users: { admin: {} } });
  });
});
