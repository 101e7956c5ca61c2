/** Why there is no connection, in words a person can act on, and what to do about it. */
import type * as mqtt from 'mqtt';
import { StateStoreError } from '../errors';
import { hexOf, ReasonCode } from '../reason-codes';

/**
 * `soon`: it may pass without a person. `slowly`: a person has to change something, here or at the broker. `never`: a further attempt
 * would do harm.
 */
export type ConnectionRetry = 'soon' | 'slowly' | 'never';

/** Which step of connecting failed. */
export type ConnectionStage = 'settings' | 'network' | 'tls' | 'login' | 'subscription' | 'session';

interface Kind {
  stage: ConnectionStage;
  retry: ConnectionRetry;
}

const KINDS = {
  fileUnreadable: { stage: 'settings', retry: 'slowly' },
  fileTimeout: { stage: 'settings', retry: 'soon' },
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
  tlsVersion: { stage: 'tls', retry: 'slowly' },
  tlsFailed: { stage: 'tls', retry: 'soon' },
  closedBeforeAnswer: { stage: 'login', retry: 'soon' },
  badCredentials: { stage: 'login', retry: 'slowly' },
  notAuthorized: { stage: 'login', retry: 'slowly' },
  clientIdInvalid: { stage: 'login', retry: 'slowly' },
  loginRefused: { stage: 'login', retry: 'slowly' },
  qosTooLow: { stage: 'login', retry: 'slowly' },
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
  /** Name of the class. */
  override readonly name = 'ConnectionError';
  /** `REFUSED`: the broker refused the client, and a person has to change something. `NOT_CONNECTED`: there is no connection for now. */
  declare readonly code: 'REFUSED' | 'NOT_CONNECTED';
  /** Short name of the reason. */
  override readonly reason: ConnectionReason;

  /** `problem`: one clause without a full stop. `advice`: sentences that say what to do, or blank. */
  constructor(reason: ConnectionReason, problem: string, advice: string, cause?: unknown) {
    const { stage, retry } = KINDS[reason];
    const refused =
      retry !== 'soon' && (stage === 'login' || stage === 'subscription' || stage === 'session');
    const context = { cause, applied: 'no', retryable: retry === 'soon' } as const;
    super(refused ? 'REFUSED' : 'NOT_CONNECTED', { problem, advice }, context);
    this.reason = reason;
  }

  /** The step of connecting that failed. */
  get stage(): ConnectionStage {
    return KINDS[this.reason].stage;
  }

  /** When the next attempt follows. */
  get retry(): ConnectionRetry {
    return KINDS[this.reason].retry;
  }
}

/** The broker said no, with the reason code of a CONNACK (MQTT 5 section 3.2.2.2). */
export function refusedBy(where: string, reasonCode: number, cause?: unknown): ConnectionError {
  return withReason(`The broker at ${where} refused the connection`, reasonCode, OTHER_REFUSAL, cause);
}

/**
 * The broker sent a DISCONNECT with a reason code (MQTT 5 section 3.14.2.1). Unless the reason is about login, the
 * next login may succeed.
 */
export function endedBy(where: string, reasonCode: number): ConnectionError {
  return withReason(`The broker at ${where} ended the connection`, reasonCode, LOST);
}

/** This client gave up a connection that did not move any more. */
export function closedByClient(where: string, why: string): ConnectionError {
  const problem = `The connection to ${where} was closed by this client: ${why}`;
  return new ConnectionError('lost', problem, 'The client reconnects automatically.');
}

/** CONNACK with Maximum QoS 0 (MQTT 5 section 3.2.2.3.4). */
export function qosTooLow(where: string): ConnectionError {
  const problem = `The broker at ${where} does not support QoS 1, which the state store needs`;
  return new ConnectionError('qosTooLow', problem, 'Allow QoS 1 in the settings of the broker.');
}

/** AUTH with {@link ReasonCode.CONTINUE_AUTHENTICATION} during the login: the broker is not able to check the token. */
export function tokenNotChecked(where: string): ConnectionError {
  const problem = `The broker at ${where} cannot check the token now (${hexOf(ReasonCode.CONTINUE_AUTHENTICATION)})`;
  return new ConnectionError('brokerBusy', problem, 'The client reconnects automatically.');
}

function withReason(event: string, reasonCode: number, otherwise: Words, cause?: unknown): ConnectionError {
  const [reason, advice] = REFUSALS[reasonCode] ?? (TRANSIENT.has(reasonCode) ? BUSY : otherwise);
  return new ConnectionError(reason, `${event}: ${reasonWords(reasonCode)}`, advice, cause);
}

/** The broker does not let this client receive answers, or notifications. */
export function subscriptionError(where: string, topic: string, cause: unknown): ConnectionError {
  const code = (cause as { packet?: { granted?: unknown[] } }).packet?.granted?.[0];
  const words = typeof code === 'number' ? reasonWords(code) : String(cause);
  const passing = typeof code !== 'number' || PASSING_SUBACKS.has(code);
  return new ConnectionError(
    passing ? 'subscriptionFailed' : 'subscriptionRefused',
    `The broker at ${where} refused the subscription to ${topic}: ${words}`,
    passing
      ? 'The client reconnects automatically.'
      : 'Ask the broker administrator for an authorization rule with the method Subscribe for this topic.',
    cause,
  );
}

/** "not authorized (0x87)". */
export function reasonWords(reasonCode: number): string {
  const { ReasonCodes }: typeof mqtt = require('mqtt');
  const words = (ReasonCodes as Record<number, string>)[reasonCode] ?? 'unknown reason';
  return `${words.toLowerCase()} (${hexOf(reasonCode)})`;
}

type Words = [reason: ConnectionReason, advice: string];

const BUSY: Words = ['brokerBusy', 'The client reconnects automatically.'];
const LOST: Words = ['lost', 'The client reconnects automatically.'];
const OTHER_REFUSAL: Words = ['loginRefused', 'Check the settings of this client and the log of the broker.'];
const CREDENTIALS: Words = ['badCredentials', 'Check the login.'];

const REFUSALS: Record<number, Words> = {
  [ReasonCode.CLIENT_ID_INVALID]: ['clientIdInvalid', 'Use another client ID, or none.'],
  [ReasonCode.BAD_CREDENTIALS]: CREDENTIALS,
  [ReasonCode.NOT_AUTHORIZED]: [
    'notAuthorized',
    'Check the login, and ask the broker administrator for access.',
  ],
  [ReasonCode.BANNED]: ['notAuthorized', 'Ask the broker administrator for access.'],
  [ReasonCode.BAD_AUTHENTICATION_METHOD]: [
    'badCredentials',
    'The broker does not support this login method: use another one.',
  ],
  [ReasonCode.SESSION_TAKEN_OVER]: [
    'takenOver',
    'Another client uses the same client ID, so this client does not reconnect. Use another client ID, or none, and start it again (in Node-RED: deploy).',
  ],
};

const TRANSIENT = new Set<number>([
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.IMPLEMENTATION_ERROR,
  ReasonCode.SERVER_UNAVAILABLE,
  ReasonCode.SERVER_BUSY,
  ReasonCode.SERVER_SHUTTING_DOWN,
  ReasonCode.KEEP_ALIVE_TIMEOUT,
  ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
  ReasonCode.MESSAGE_RATE_TOO_HIGH,
  ReasonCode.QUOTA_EXCEEDED,
  ReasonCode.ADMINISTRATIVE_ACTION,
  ReasonCode.CONNECTION_RATE_EXCEEDED,
  ReasonCode.MAXIMUM_CONNECT_TIME,
]);

/** Of a SUBACK (MQTT 5 section 3.9.3). */
const PASSING_SUBACKS = new Set<number>([ReasonCode.PACKET_ID_IN_USE, ReasonCode.QUOTA_EXCEEDED]);
