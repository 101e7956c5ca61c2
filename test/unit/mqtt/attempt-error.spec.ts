import assert from 'node:assert/strict';
import {
  attemptError,
  type Circumstances,
  type Progress,
  timeoutError,
} from '../../../src/mqtt/attempt-error';
import type { ConnectionReason, ConnectionRetry } from '../../../src/mqtt/connection-error';

const ADDRESS = { host: 'broker', port: 8883 };
const at = (progress: Progress, tls: Circumstances['tls'] = undefined): Circumstances => ({
  ...{ address: ADDRESS, progress, tls },
});
/** An error as Node.js makes it of an error of OpenSSL. */
const openSsl = (number: string, text: string, code = 'EPROTO') =>
  Object.assign(
    new Error(`write EPROTO 80DC:error:${number}:SSL routines:ssl3_read_bytes:${text}:../x.c:1:\n`),
    { code },
  );
const system = (code: string) => Object.assign(new Error(`read ${code}`), { code });

describe('The end of an attempt to connect', () => {
  const cases: [string, unknown, Circumstances, ConnectionReason, ConnectionRetry][] = [
    ['an end during the TLS handshake', undefined, at('handshake', {}), 'tlsFailed', 'soon'],
    ['a reset during the TLS handshake', system('ECONNRESET'), at('handshake', {}), 'tlsFailed', 'soon'],
    ['a broken pipe during the TLS handshake', system('EPIPE'), at('handshake', {}), 'tlsFailed', 'soon'],
    [
      'an unexpected end of TLS',
      openSsl('0A000126', 'unexpected eof'),
      at('handshake', {}),
      'tlsFailed',
      'soon',
    ],
    [
      'an internal error of the broker',
      openSsl('0A000438', 'internal error'),
      at('handshake', {}),
      'tlsFailed',
      'soon',
    ],
    ['no name for SNI', openSsl('0A000458', 'unrecognized name'), at('handshake', {}), 'tlsFailed', 'soon'],
    [
      'plain text instead of TLS',
      openSsl('0A00010B', 'wrong version'),
      at('handshake', {}),
      'noTls',
      'slowly',
    ],
    [
      'no common version',
      openSsl('0A00042E', 'protocol version'),
      at('handshake', {}),
      'tlsVersion',
      'slowly',
    ],
    [
      'a refused handshake',
      openSsl('0A000410', 'handshake failure'),
      at('handshake', {}),
      'clientCertificate',
      'slowly',
    ],
    [
      'a missing client certificate',
      openSsl('0A00045C', 'required'),
      at('login', {}),
      'clientCertificate',
      'slowly',
    ],
    [
      'an unknown CA',
      system('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'),
      at('handshake', {}),
      'certificateUntrusted',
      'slowly',
    ],
    ['a revoked certificate', system('CERT_REVOKED'), at('handshake', {}), 'certificateUntrusted', 'slowly'],
    ['an end before CONNACK', undefined, at('login'), 'closedBeforeAnswer', 'soon'],
    ['a reset before CONNACK', system('ECONNRESET'), at('login'), 'closedBeforeAnswer', 'soon'],
    ['an end after CONNACK', undefined, at('subscription'), 'lost', 'soon'],
    [
      'a protocol error that MQTT.js found',
      Object.assign(new Error('x'), { code: 130 }),
      at('session'),
      'lost',
      'soon',
    ],
    ['a host name without addresses', system('EAI_NODATA'), at('network'), 'hostNotFound', 'soon'],
    ['an error of locate', new Error('no emulator'), at('address'), 'hostNotFound', 'soon'],
  ];
  for (const [name, cause, circumstances, reason, retry] of cases) {
    it(`by ${name} is ${reason}: try again ${retry}`, () => {
      const error = attemptError(cause, circumstances);
      assert.deepEqual([error.reason, error.retry, error.code], [reason, retry, 'NOT_CONNECTED']);
      assert.doesNotMatch(error.message, /error:0A|EPROTO|ECONNRESET|EPIPE|undefined/);
      assert.match(error.message, /^[A-Z].*[^.]\.$/);
    });
  }

  const waits: [Progress, RegExp][] = [
    ['address', /^The address of the broker was not determined within 9 ms\.$/],
    ['files', /^The CA file \/ca was not read within 9 ms\./],
    ['network', /^The broker at broker:8883 did not respond within 9 ms\. Check host/],
    ['handshake', /but the broker did not respond within 9 ms/],
    ['login', /but the broker did not respond within 9 ms/],
    ['subscription', /did not acknowledge the subscription within 9 ms/],
  ];
  for (const [progress, words] of waits) {
    it(`by its time has words about the stage ${progress}`, () => {
      const circumstances = { ...at(progress, {}), file: 'The CA file /ca' };
      const error = timeoutError(circumstances, 9);
      assert.match(error.message, words);
      assert.equal(error.retry, 'soon');
      assert.doesNotMatch(error.message, /turn TLS on/);
    });
  }
});
