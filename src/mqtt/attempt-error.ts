/** Why an attempt to connect failed without an answer of the broker: address, files, network, TLS, or time. */
import { ConnectionError, type ConnectionReason, refusedBy } from './connection-error';
import type { TlsOptions } from './login';
import { type Address, addressText } from './transport';

/** What an attempt was waiting for when it failed; `session`: it had succeeded. */
export type Progress = 'address' | 'files' | 'network' | 'handshake' | 'login' | 'subscription' | 'session';

/** How far an attempt has come, and with which settings. */
export interface Circumstances {
  address: Address;
  progress: Progress;
  /** `undefined`: without TLS. */
  tls: TlsOptions | undefined;
  /** The file that is being read, such as "The CA file /etc/ca.crt". */
  file?: string | undefined;
}

type MakeError = (reason: ConnectionReason, problem: string, advice: string) => ConnectionError;

const CHECK_ADDRESS = 'Check host, port, network and firewall.';

/** The error behind a failed attempt or a lost connection: a socket or TLS error, a CONNACK, or nothing at all. */
export function attemptError(cause: unknown, circumstances: Circumstances): ConnectionError {
  if (cause instanceof ConnectionError) return cause;
  const { address, progress } = circumstances;
  const where = addressText(address);
  const { code, message: text } = factsOf(cause);
  const error: MakeError = (reason, problem, advice) => new ConnectionError(reason, problem, advice, cause);
  if (progress === 'address')
    return error('hostNotFound', `The address of the broker was not determined${because(text)}`, '');
  if (progress === 'files')
    return error('fileUnreadable', `A file or a setting cannot be used${because(text)}`, '');
  if (progress === 'subscription' || progress === 'session')
    return error('lost', `The connection to ${where} was lost${because(withoutOpenSsl(text))}`, '');
  if (typeof code === 'number') return refusedBy(where, code, cause);
  return (
    addressError(code, where, error) ??
    verificationError(code, where, text, circumstances, error, cause) ??
    handshakeError(where, text, circumstances, error) ??
    interrupted(code, where, text, circumstances, error)
  );
}

/** An attempt took longer than `timeout` milliseconds. */
export function timeoutError(circumstances: Circumstances, timeout: number): ConnectionError {
  const { address, progress, tls, file = 'A file' } = circumstances;
  const where = addressText(address);
  const late = (reason: ConnectionReason, problem: string, advice: string) =>
    new ConnectionError(reason, `${problem} within ${timeout} ms`, advice);
  switch (progress) {
    case 'address':
      return late('noAnswer', 'The address of the broker was not determined', '');
    case 'files':
      return late('fileTimeout', `${file} was not read`, 'Check the drive that it is on.');
    case 'subscription':
    case 'session':
      return late(
        'subscriptionFailed',
        `The broker at ${where} accepted the login, but did not acknowledge the subscription`,
        'Check the load of the broker, or increase the timeout.',
      );
    case 'handshake':
    case 'login': {
      const listens = 'Check that an MQTT broker listens there and how busy it is';
      return late(
        'noAnswer',
        `Connected to ${where}, but the broker did not respond`,
        tls ? `${listens}.` : `${listens}; if it expects TLS, turn TLS on.`,
      );
    }
    default:
      return late('noAnswer', `The broker at ${where} did not respond`, CHECK_ADDRESS);
  }
}

interface Facts {
  code: unknown;
  message: string;
}

function factsOf(cause: unknown): Facts {
  if (!(cause instanceof Error)) return { code: undefined, message: '' };
  return { code: 'code' in cause ? cause.code : undefined, message: cause.message };
}

/** The broker cannot be reached at this address. */
function addressError(code: unknown, where: string, error: MakeError): ConnectionError | undefined {
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NODATA':
    case 'EAI_NONAME':
      return error('hostNotFound', `The host name of ${where} was not found`, 'Check the host name and DNS.');
    case 'ERR_SOCKET_BAD_PORT':
      return error(
        'hostNotFound',
        `The address ${where} of the broker is not valid: a port is from 1 to 65535`,
        '',
      );
    case 'ERR_MISSING_ARGS':
    case 'ERR_INVALID_ARG_TYPE':
    case 'ERR_INVALID_ARG_VALUE':
      return error('hostNotFound', `The address ${where} of the broker is not valid`, '');
    case 'ECONNREFUSED':
      return error(
        'nothingListens',
        `Connection refused by ${where}`,
        'Check host and port, and that the broker or the emulator is running.',
      );
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'EHOSTDOWN':
    case 'ENETUNREACH':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
      return error('unreachable', `The broker at ${where} cannot be reached`, CHECK_ADDRESS);
    default:
      return undefined;
  }
}

/** Results of the verification of a certificate, as Node.js names them (X509 verification codes of OpenSSL). */
const UNTRUSTED = new Set<unknown>([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
]);

/** The certificate of the broker does not pass. */
function verificationError(
  code: unknown,
  where: string,
  text: string,
  { tls }: Circumstances,
  error: MakeError,
  cause: unknown,
): ConnectionError | undefined {
  if (UNTRUSTED.has(code))
    return error('certificateUntrusted', `The certificate of ${where} is not trusted: ${text}`, giveCa(tls));
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return error(
        'certificateExpired',
        `The certificate of ${where}, or of its CA, has expired`,
        'Renew it, and check the clock of this computer.',
      );
    case 'CERT_NOT_YET_VALID':
      return error(
        'certificateExpired',
        `The certificate of ${where}, or of its CA, is not valid yet`,
        'Check the clock of this computer.',
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return error(
        'certificateOfOther',
        `The certificate of ${where} is for another name${namesOf(cause)}`,
        'Use a host name that is in the certificate, or set the server name.',
      );
    default:
      return undefined;
  }
}

function giveCa(tls: TlsOptions | undefined): string {
  if (tls?.caFile !== undefined)
    return `The CA file ${tls.caFile} does not fit this certificate. Give the CA that signed it.`;
  if (tls?.ca !== undefined) return 'The CA does not fit this certificate. Give the CA that signed it.';
  return 'Give the CA file of the broker.';
}

/** " than nowhere (DNS:broker.example)": the name that was asked for, and the names that the certificate is for. */
function namesOf(cause: unknown): string {
  const { host, cert } = cause as { host?: string; cert?: { subjectaltname?: string } };
  const asked = host === undefined ? '' : ` than ${host}`;
  return cert?.subjectaltname === undefined ? asked : `${asked} (${cert.subjectaltname})`;
}

/** Number of an error of OpenSSL's library "SSL routines" (20, that is 0x0a): see `ERR_GET_REASON`. Node.js has it in the message only. */
const SSL_ERROR = /error:0A([0-9A-F]{6}):/;
/** What OpenSSL adds to the number of an alert (`SSL_AD_REASON_OFFSET`). */
const ALERT_OFFSET = 1000;
/** OpenSSL's `SSL_R_WRONG_VERSION_NUMBER`, `SSL_R_PACKET_LENGTH_TOO_LONG`, `SSL_R_HTTP_REQUEST`: the other side does not speak TLS. */
const NOT_TLS = new Set([267, 198, 156]);
/** OpenSSL's `SSL_R_UNSUPPORTED_PROTOCOL`, and the alert `protocol_version`. */
const NO_COMMON_VERSION = new Set([258, ALERT_OFFSET + 70]);
const HANDSHAKE_FAILURE = 40;

/** Problems that the broker reports with an alert, by its number (RFC 8446 section 6.2). */
const ALERTS: Record<number, string> = {
  42: 'did not accept our client certificate',
  43: 'does not support the kind of our client certificate',
  44: 'did not accept our client certificate, because it is revoked',
  45: 'did not accept our client certificate, because it has expired',
  46: 'did not accept our client certificate',
  48: 'does not trust the CA of our client certificate',
  49: 'did not accept our client certificate',
  116: 'requires a client certificate',
};

/** The two sides do not agree on TLS. Only a change of settings or certificates helps. */
function handshakeError(
  where: string,
  text: string,
  { tls }: Circumstances,
  error: MakeError,
): ConnectionError | undefined {
  const digits = SSL_ERROR.exec(text)?.[1];
  const reason = digits === undefined ? 0 : Number.parseInt(digits, 16);
  const problem = ALERTS[reason - ALERT_OFFSET];
  if (problem !== undefined || reason === ALERT_OFFSET + HANDSHAKE_FAILURE) {
    const hasCertificate = (tls?.certFile ?? tls?.cert) !== undefined;
    const cause = hasCertificate ? 'did not accept our client certificate' : 'requires a client certificate';
    return error(
      'clientCertificate',
      `The broker at ${where} ${problem ?? `refused the TLS handshake: it ${cause}, or has no cipher in common`}`,
      'Give a client certificate and its key that the broker trusts.',
    );
  }
  if (NO_COMMON_VERSION.has(reason))
    return error(
      'tlsVersion',
      `The broker at ${where} supports no TLS version that this computer supports`,
      'Check the TLS versions in the settings of the broker.',
    );
  if (NOT_TLS.has(reason))
    return error('noTls', `The broker at ${where} does not use TLS`, 'Check the port, or turn TLS off.');
  return undefined;
}

/** The connection ended before the broker answered: it restarts, the network was cut, or another service has this port. */
function interrupted(
  code: unknown,
  where: string,
  text: string,
  { progress, tls }: Circumstances,
  error: MakeError,
): ConnectionError {
  if (code === 'NOT_MQTT')
    return error(
      'closedBeforeAnswer',
      `The service at ${where} does not respond with MQTT`,
      'Check the port.',
    );
  const detail = because(isOrdinary(code) ? '' : withoutOpenSsl(text));
  if (progress === 'handshake')
    return error(
      'tlsFailed',
      `The broker at ${where} ended the TLS handshake${detail}`,
      'The next attempt follows. If it fails again, check that the broker expects TLS on this port.',
    );
  return error(
    'closedBeforeAnswer',
    `The broker at ${where} closed the connection before it responded${detail}`,
    tls ? mayNeedCertificate(tls) : 'If the broker expects TLS, turn TLS on. Otherwise check the port.',
  );
}

function mayNeedCertificate({ certFile, cert }: TlsOptions): string {
  return (certFile ?? cert) === undefined
    ? 'The broker may require a client certificate. Check its log.'
    : 'The broker may not accept the client certificate. Check its log.';
}

/** A socket that was closed or reset: the text of the system adds nothing. */
function isOrdinary(code: unknown): boolean {
  return code === undefined || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED';
}

/** OpenSSL's own lines are for programmers of OpenSSL. */
function withoutOpenSsl(text: string): string {
  return SSL_ERROR.test(text) ? '' : text;
}

function because(text: string): string {
  return text === '' ? '' : `: ${text}`;
}
