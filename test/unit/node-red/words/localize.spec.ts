import assert from 'node:assert/strict';
import type { NodeAPI } from 'node-red';
import { StateStoreError } from '../../../../src/errors';
import { localize } from '../../../../src/node-red/words/localize';

/** A catalogue that returns the name of the text and its detail. */
const RED = {
  _: (key: string, { detail }: { detail: string }) => `${key.split(':statestore.')[1]} (${detail})`,
} as unknown as NodeAPI;

describe('An error in the language of the runtime', () => {
  it('has the text of its code', () => {
    const error = new StateStoreError('TIMEOUT', 'No response.');
    assert.equal(localize(RED, error).message, 'error.TIMEOUT (No response.)');
  });

  it('has the text of its reason, if its code has several', () => {
    const error = new StateStoreError('TIMEOUT', 'No response.', { reason: 'noStateStoreAnswer' });
    assert.equal(localize(RED, error).message, 'error.noStateStoreAnswer (No response.)');
    assert.equal(
      localize(RED, error).message,
      'error.noStateStoreAnswer (No response.)',
      'it is translated once',
    );
  });
});
