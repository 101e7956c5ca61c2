import assert from 'node:assert/strict';
import { StateStoreError } from '../../src/index';

/** The call rejects with an error of ours that has these properties. */
export async function rejectsWith(
  call: Promise<unknown>,
  expected: {
    code: string;
    key?: string;
    operation?: string;
    reasonCode?: number;
    reason?: string;
    applied?: 'no' | 'unknown';
    retryable?: boolean;
    message?: RegExp;
  },
): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof StateStoreError, `not an error of ours: ${error}`);
    const { message, ...own } = expected;
    for (const [name, value] of Object.entries(own)) {
      assert.equal(error[name as 'code'], value, `${name} of: ${error.message}`);
    }
    if (message) assert.match(error.message, message);
    return true;
  });
}
