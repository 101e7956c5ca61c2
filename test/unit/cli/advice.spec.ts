import assert from 'node:assert/strict';
import { adviceFor } from '../../../src/cli/advice';
import { PLACE } from '../../../src/cli/place';
import { noConnection } from '../../../src/client/request-errors';
import { attemptError } from '../../../src/mqtt/attempt-error';
import { ConnectionError, type ConnectionReason, refusedBy } from '../../../src/mqtt/connection-error';

const REASONS: ConnectionReason[] = [
  ...(['hostNotFound', 'nothingListens', 'unreachable', 'closedBeforeAnswer', 'noAnswer', 'noTls'] as const),
  ...(['certificateUntrusted', 'certificateOfOther', 'clientCertificate', 'certificateUnusable'] as const),
  ...(['badCredentials', 'notAuthorized', 'clientIdInvalid', 'takenOver'] as const),
];
const failure = (reason: ConnectionReason) => noConnection(new ConnectionError(reason, 'It failed', ''));

describe('The advice of statestore about a failed connection', () => {
  it('names options that exist', () => {
    for (const reason of REASONS) {
      const [, ...options] = adviceFor(failure(reason), false).split('--');
      assert.ok(options.length > 0, reason);
      for (const option of options) assert.ok((/^[a-z-]+/.exec(option)?.[0] as string) in PLACE, option);
    }
  });

  it('names the variables with --env, and the option for the client ID, which is not taken from them', () => {
    for (const reason of REASONS) {
      const isClientId = reason === 'clientIdInvalid' || reason === 'takenOver';
      const expected = isClientId
        ? /^ \(options: --client-id ID/
        : /^ \(variables: AIO_[A-Z_]+(, AIO_[A-Z_]+)*\)$/;
      assert.match(adviceFor(failure(reason), true), expected);
    }
  });

  it('is blank if nothing of them helps', () => {
    assert.equal(adviceFor(failure('brokerBusy'), false), '');
    assert.equal(adviceFor(new Error('other'), true), '');
  });
});

describe('The message of a failed connection', () => {
  const codes = Array.from({ length: 40 }, (_, index) => 128 + index);
  const network = [
    'ENOTFOUND',
    'ECONNREFUSED',
    'EHOSTUNREACH',
    'CERT_UNTRUSTED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ];

  it('fits the editor, the command and the library: it names no dialog', () => {
    const circumstances = { address: { host: 'broker', port: 1883 }, progress: 'network', tls: {} } as const;
    const errors = [
      ...codes.map((code) => refusedBy('broker:1883', code)),
      ...network.map((code) => attemptError(Object.assign(new Error('text'), { code }), circumstances)),
    ];
    for (const { message } of errors) assert.doesNotMatch(message, /settings of the store|this store|blank/);
  });
});
