/** Why there is no connection, in words a person can act on, and what to do about it. */
import type * as mqtt from 'mqtt';
import { StateStoreError } from '../errors';
import type { Address } from './transport';

/**
 * `soon`: it may pass by itself. `slowly`: a person has to change something, here or at the broker. `never`: going on
 * would do harm.
 */
export type Retry = 'soon' | 'slowly' | 'never';

/** Which step of connecting failed. */
export type Stage = 'settings' | 'network' | 'tls' | 'login' | 'subscription' | 'session';

interface Kind {
  stage: Stage;
  retry: Retry;
}

const KINDS = {
  fileUnreadable: { stage: 'settings', retry: 'slowly' },
  certificateUnusable: { stage: 'settings', retry: 'slowly' },
  hostNotFound: { stage: 'network', retry: 'soon' },
  nothingListens: { stage: 'network', retry: 'soon' },
  unreachable: { stage: 'network', retry: 'soon' },
  noAnswer: { stage: 'network', retry: 'soon' },
  certificateUntrusted: { stage: 'tls', retry: 'slowly' },
  certificateExpired: { stage: 'tls', retry: 'slowly' },
  certificateOfOther: { stage: 'tls', retry: 'slowly' },
  clientCertificate: { stage: 'tls', retry: 'slowly' },
  noTls: { stage: 'tls', retry: 'slowly' },
  tlsFailed: { stage: 'tls', retry: 'slowly' },
  closedBeforeAnswer: { stage: 'login', retry: 'soon' },
  badCredentials: { stage: 'login', retry: 'slowly' },
  notAuthorized: { stage: 'login', retry: 'slowly' },
  clientIdInvalid: { stage: 'login', retry: 'slowly' },
  loginRefused: { stage: 'login', retry: 'slowly' },
  brokerBusy: { stage: 'login', retry: 'soon' },
  subscriptionRefused: { stage: 'subscription', retry: 'slowly' },
  subscriptionFailed: { stage: 'subscription', retry: 'soon' },
  takenOver: { stage: 'session', retry: 'never' },
  lost: { stage: 'session', retry: 'soon' },
} as const satisfies Record<string, Kind>;

/** Short names of the reasons, for a status; each has a text in the catalogue of the nodes. */
export type ConnectionReason = keyof typeof KINDS;

/** Why there is no connection. `reason` is an own, enumerable property, so that it survives cloning. */
export class ConnectionError extends StateStoreError {
  override readonly name = 'ConnectionError';
  /** `REFUSED`: the broker said no. `NOT_CONNECTED`: it could not be asked. */
  declare readonly code: 'REFUSED' | 'NOT_CONNECTED';
  readonly reason: ConnectionReason;

  /** `problem`: one clause without a full stop. `advice`: sentences that say what to do, or blank. */
  constructor(reason: ConnectionReason, problem: string, advice: string, cause?: unknown) {
    const { stage, retry } = KINDS[reason];
    const refused = stage === 'login' || reason === 'subscriptionRefused' || reason === 'takenOver';
    const context = { cause, applied: 'no', retryable: retry === 'soon' } as const;
    super(refused ? 'REFUSED' : 'NOT_CONNECTED', { problem, advice }, context);
    this.reason = reason;
  }

  get stage(): Stage {
    return KINDS[this.reason].stage;
  }

  get retry(): Retry {
    return KINDS[this.reason].retry;
  }
}

/** What an attempt was waiting for when it failed; `session`: it had succeeded. */
export type Progress = 'network' | 'handshake' | 'login' | 'subscription' | 'session';

/** The error behind a failed attempt or a lost connection: a socket or TLS error, a CONNACK, or nothing at all. */
export function connectionError(cause: unknown, address: Address, progress: Progress): ConnectionError {
  const where = `${address.host}:${address.port}`;
  if (cause instanceof ConnectionError) return cause;
  const code = (cause as { code?: unknown } | undefined)?.code;
  if (typeof code === 'number') return refusedBy(where, code, cause);
  if (progress === 'subscription' || progress === 'session')
    return new ConnectionError('lost', `The connection to ${where} was lost${because(cause)}`, '', cause);
  return socketError(String(code), where, cause, progress);
}

/** An attempt took longer than `timeout` milliseconds. */
export function timeoutError({ host, port }: Address, progress: Progress, timeout: number): ConnectionError {
  const where = `${host}:${port}`;
  switch (progress) {
    case 'subscription':
      return new ConnectionError(
        'subscriptionFailed',
        `The broker at ${where} accepted the log-in, but did not answer the subscription within ${timeout} ms`,
        'Check the load of the broker, or raise the time an attempt to connect may take.',
      );
    case 'handshake':
    case 'login':
      return new ConnectionError(
        'noAnswer',
        `${where} took the connection, but did not answer within ${timeout} ms`,
        'Check that an MQTT broker listens there and how busy it is; if it expects TLS, switch it on for this store.',
      );
    default:
      return new ConnectionError(
        'noAnswer',
        `${where} did not answer within ${timeout} ms`,
        'Check host, port, network and firewall.',
      );
  }
}

/** The broker said no, with the reason code of a CONNACK (MQTT 5 section 3.2.2.2). */
export function refusedBy(where: string, reasonCode: number, cause?: unknown): ConnectionError {
  return withReason(`The broker at ${where} refused the connection`, reasonCode, OTHER_REFUSAL, cause);
}

/**
 * The broker said good-bye, with the reason code of a DISCONNECT (MQTT 5 section 3.14.2.1). Unless that is about who may log in, it
 * says nothing against the next log-in.
 */
export function endedBy(where: string, reasonCode: number): ConnectionError {
  return withReason(`The broker at ${where} ended the connection`, reasonCode, LOST);
}

function withReason(what: string, reasonCode: number, otherwise: Words, cause?: unknown): ConnectionError {
  const [reason, advice] = REFUSALS[reasonCode] ?? (TRANSIENT.has(reasonCode) ? BUSY : otherwise);
  return new ConnectionError(reason, `${what}: ${reasonWords(reasonCode)}`, advice, cause);
}

/** The broker does not let this client receive answers, or notifications. */
export function subscriptionError(where: string, topic: string, cause: Error): ConnectionError {
  const code = (cause as { packet?: { granted?: unknown[] } }).packet?.granted?.[0];
  const words = typeof code === 'number' ? reasonWords(code) : cause.message;
  const passing = typeof code !== 'number' || PASSING_SUBACKS.has(code);
  return new ConnectionError(
    passing ? 'subscriptionFailed' : 'subscriptionRefused',
    `The broker at ${where} refused the subscription to ${topic}: ${words}`,
    passing ? 'The next attempt follows by itself.' : 'Ask its operator for a rule that allows it.',
    cause,
  );
}

/** "not authorized (0x87)". */
export function reasonWords(reasonCode: number): string {
  const { ReasonCodes }: typeof mqtt = require('mqtt');
  const words = (ReasonCodes as Record<number, string>)[reasonCode] ?? 'unknown reason';
  return `${words.toLowerCase()} (0x${reasonCode.toString(16).padStart(2, '0')})`;
}

type Words = [reason: ConnectionReason, advice: string];

const BUSY: Words = ['brokerBusy', 'The next attempt follows by itself.'];
const LOST: Words = ['lost', 'The next attempt follows by itself.'];
const OTHER_REFUSAL: Words = ['loginRefused', 'Check the settings of the store and the log of the broker.'];
const CREDENTIALS: Words = ['badCredentials', 'Check the log-in in the settings of the store.'];

const REFUSALS: Record<number, Words> = {
  133: ['clientIdInvalid', 'Change the client ID in the settings of the store, or leave it blank.'],
  134: CREDENTIALS,
  135: [
    'notAuthorized',
    'Check the log-in in the settings of the store, and ask the operator of the broker for access.',
  ],
  138: ['notAuthorized', 'Ask the operator of the broker for access.'],
  140: [
    'badCredentials',
    'The broker does not know this way to log in: choose another log-in in the settings of the store.',
  ],
  142: [
    'takenOver',
    'Another client uses the same client ID, so this one stops. Leave the client ID blank, or give each client its own, and deploy again.',
  ],
};

/** Unspecified, implementation specific, unavailable, busy, shutting down, keep alive, receive maximum, rate, quota, administrative, connection rate, connect time. */
const TRANSIENT = new Set([128, 131, 136, 137, 139, 141, 147, 150, 151, 152, 159, 160]);

/** Packet identifier in use, quota exceeded (MQTT 5 section 3.9.3). */
const PASSING_SUBACKS = new Set([0x91, 0x97]);

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

type MakeError = (reason: ConnectionReason, problem: string, advice: string) => ConnectionError;

function socketError(code: string, where: string, cause: unknown, progress: Progress): ConnectionError {
  const error: MakeError = (reason, problem, advice) => new ConnectionError(reason, problem, advice, cause);
  const text = cause instanceof Error ? cause.message : '';
  if (UNTRUSTED.has(code)) {
    return error(
      'certificateUntrusted',
      `The certificate of ${where} is not trusted here: ${text}`,
      'Give the CA file of the broker in the settings of the store.',
    );
  }
  if (code.includes('CERTIFICATE') || code.includes('HANDSHAKE_FAILURE') || code.includes('UNKNOWN_CA')) {
    return error(
      'clientCertificate',
      `The broker at ${where} did not accept our certificate, or wants one: ${text.split(':').slice(2).join(':') || text}`,
      'Give a client certificate and its key that the broker trusts.',
    );
  }
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return error(
        'hostNotFound',
        `The host name of ${where} was not found`,
        'Check the host in the settings of the store.',
      );
    case 'ECONNREFUSED':
      return error(
        'nothingListens',
        `Nothing listens at ${where}`,
        'Check host and port, and that the broker or the emulator is running.',
      );
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return error('unreachable', `${where} cannot be reached`, 'Check host, port, network and firewall.');
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return error(
        'certificateExpired',
        `The certificate of ${where} is not valid now: ${text}`,
        'Renew it, and check the clocks.',
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return error(
        'certificateOfOther',
        `The certificate of ${where} is for another name`,
        `Use the host name that is in the certificate. ${text}`,
      );
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return error(
        'noTls',
        `${where} does not answer with TLS`,
        'Check the port, or switch TLS off for this store.',
      );
    default:
      return unspecific(code, where, text, progress, error);
  }
}

function unspecific(
  code: string,
  where: string,
  text: string,
  progress: Progress,
  error: MakeError,
): ConnectionError {
  if (progress === 'handshake' || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS')) {
    return error(
      'tlsFailed',
      `No TLS connection to ${where}${because(text && new Error(text))}`,
      'Check the port, and the TLS settings of the store and of the broker.',
    );
  }
  return error(
    'closedBeforeAnswer',
    `${where} closed the connection before it answered${because(text && new Error(text))}`,
    'If the broker expects TLS, switch it on for this store; otherwise check the port.',
  );
}

function because(cause: unknown): string {
  return cause instanceof Error ? `: ${cause.message}` : '';
}
