import assert from 'node:assert/strict';
import { Session } from '../../../src/cli/session';
import { UsageError } from '../../../src/cli/usage-error';
import type { StateStoreClientOptions } from '../../../src/client/options';

describe('A wrong option of the command is named as it is typed', () => {
  for (const [client, message] of [
    [{ host: ' ' }, /^--host must not be empty: give the name or address of the broker$/],
    [{ clientId: 'a/b' }, /^--client-id must not contain \/ \+ #, but is "a\/b"$/],
    [{ username: 'a\u0001' }, /^--username must not contain control characters/],
  ] as [StateStoreClientOptions, RegExp][]) {
    it(JSON.stringify(client), () => {
      const session = new Session({ client, timeout: 1000, fromEnvironment: false });
      assert.throws(
        () => session.store,
        (error: unknown) => {
          assert.ok(error instanceof UsageError);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});
