import assert from 'node:assert/strict';
import { exitCodeOf } from '../../../src/cli/exit-code';
import { UsageError } from '../../../src/cli/usage-error';
import { noConnection } from '../../../src/client/request-errors';
import { StateStoreError } from '../../../src/errors';
import { ConnectionError } from '../../../src/mqtt/connection-error';
import { ServiceError } from '../../../src/protocol/errors';

const write = { operation: 'set', key: 'k' } as const;
const read = { operation: 'get', key: 'k' } as const;

describe('The exit code of statestore', () => {
  for (const [code, what, error] of [
    [2, 'wrong usage', new UsageError('no such option')],
    [2, 'a wrong argument', new StateStoreError('BAD_ARGUMENT', 'key must not be empty.', read)],
    [2, 'a missing file', noConnection(new ConnectionError('fileUnreadable', 'The CA file is missing', ''))],
    [2, 'a file of no use', new ConnectionError('certificateUnusable', 'No certificate', '')],
    [3, 'a file that does not respond', noConnection(new ConnectionError('fileTimeout', 'Not read', ''))],
    [3, 'a broker that is busy', new ConnectionError('brokerBusy', 'Busy', '')],
    [3, 'a connection that ends before its answer', new ConnectionError('closedBeforeAnswer', 'Closed', '')],
    [3, 'no connection', noConnection(new ConnectionError('nothingListens', 'Connection refused', ''))],
    [
      3,
      'a write that was not sent in time',
      new StateStoreError('TIMEOUT', 'Late.', { ...write, applied: 'no' }),
    ],
    [3, 'a reading without an answer', new StateStoreError('TIMEOUT', 'No answer.', read)],
    [4, 'a refused login', noConnection(new ConnectionError('badCredentials', 'Wrong password', ''))],
    [
      4,
      'a request that failed because another client took the ID',
      new StateStoreError('NOT_CONNECTED', 'Stopped.', {
        ...read,
        cause: new ConnectionError('takenOver', 'Taken over', ''),
      }),
    ],
    [4, 'a refusal of the broker', new StateStoreError('REFUSED', 'Not authorized.', write)],
    [4, 'a refusal of the store', ServiceError.fromText('not authorized', write)],
    [5, 'a write without an answer', new StateStoreError('TIMEOUT', 'No answer.', write)],
    [5, 'a write whose client was closed', new StateStoreError('CLOSED', 'Closed.', write)],
    [6, 'anything else', new Error('ENOSPC')],
  ] as const) {
    it(`is ${code} for ${what}`, () => assert.equal(exitCodeOf(error), code));
  }
});
