/** What a caller may choose, and the checks that name a wrong choice. */

import { type ErrorContext, type Operation, printableValue } from '../errors';
import type { Login, TlsOptions } from '../mqtt/login';
import {
  bad,
  boolean,
  bytes,
  checkRules,
  functionOf,
  integer,
  milliseconds,
  mqttText,
  oneOf,
  type Rule,
  type Rules,
  signal,
  text,
} from '../option-rules';
import type { SetCondition } from '../protocol/commands';
import { parseHlc } from '../protocol/hlc';
import { randomId } from './random';

/** Bytes, or text that is sent as UTF-8. */
export type Bytes = string | Uint8Array;

/** Where a broker listens. */
export interface BrokerAddress {
  /** Host name or IP address. */
  host: string;
  /** TCP port, 1 to 65535. */
  port: number;
}

/** An MQTT user property. */
export interface UserProperty {
  /** Its name. */
  name: string;
  /** Its value. */
  value: string;
}

export interface StateStoreClientOptions extends Login {
  /** Host name or IP address of the MQTT broker. Default `localhost`. */
  host?: string;
  /** TCP port, 1 to 65535. Default 8883 with TLS, otherwise 1883. */
  port?: number;
  /**
   * Returns host and port before each attempt to connect, in place of `host` and `port`. If its promise rejects with a {@link
   * ConnectionError}, the attempt has failed for that reason.
   */
  locate?: () => Promise<BrokerAddress>;
  /** TLS; `true` for the defaults. Default: none. */
  tls?: TlsOptions | boolean;
  /** MQTT client ID: text without `/`, `+`, `#` and control characters, at most 30000 bytes. Default: a new, unique one. */
  clientId?: string;
  /** Seconds between pings while nothing else is sent, 0 (never) to 65535. Default 60. */
  keepAlive?: number;
  /** Whether the first connection discards what an earlier client with this ID left at the broker. Default true. */
  cleanStart?: boolean;
  /** Seconds the broker keeps the session while the connection is lost, 0 to 4294967295. Default 3600. */
  sessionExpiry?: number;
  /** Milliseconds that an attempt to connect may take, `locate` and reading files included, 1 to 2147483647. Default 10000. */
  connectTimeout?: number;
  /** Milliseconds from a call to its response if the call has no `timeout`, 1 to 2147483647. Default 10000. */
  timeout?: number;
  /** Maximum number of requests in flight, 1 to 65535. The broker's Receive Maximum may lower it. Default 1000. */
  inFlightLimit?: number;
  /** Maximum number of requests that wait for the connection or for a place in flight, from 1. Default 10000. */
  queueLimit?: number;
  /** Maximum bytes of the requests that wait. One request of any size may wait alone. Default 67108864 (64 MiB). */
  queueByteLimit?: number;
  /** Text before every key in the store. It is removed from keys that are returned. Default: none. */
  keyPrefix?: string;
  /**
   * Name under which the broker counts this client in its metrics: the user property `metriccategory` of CONNECT. Blank: none. Default
   * `node-red-statestore`.
   */
  metricCategory?: string;
  /** Whether requests are sent as control traffic (`$high_priority`), which a broker may take while it holds other messages back. Default true. */
  highPriority?: boolean;
  /** MQTT user property that asks for a key to survive a restart of the broker. Default `aio-persistence` = `true`. */
  persistence?: UserProperty;
}

/** Options of every request. */
export interface RequestOptions {
  /** Milliseconds from the call to the response, a whole number from 1 to 2147483647. Default: the client's. */
  timeout?: number;
  /** Aborts the call, which then rejects with the signal's reason. A write that was sent may still be applied. */
  signal?: AbortSignal;
  /**
   * Whether the request goes out before all that are not urgent, and the limits of the queue do not count it: for renewals and
   * releases of leases. @internal
   */
  urgent?: boolean;
  /** Whether an aborted call rejects with `ABORTED` and its facts, instead of with the signal's reason. @internal */
  abortedError?: boolean;
}

/** Options of a set or a delete. */
export interface WriteOptions extends RequestOptions {
  /** A version that the store returned, unchanged. The write is refused if the key is protected by a newer one. Default: none. */
  fencingToken?: string;
  /**
   * Whether the write is idempotent: it may be executed twice, and the caller accepts either response. Examples are `NEX`, and {@link
   * StateStoreClient.deleteIfValue} with a value that no other client uses. If the broker lost the session, such a write is sent again
   * and does not end as `OUTCOME_UNKNOWN`. Default false.
   */
  repeatable?: boolean;
}

/** Options of a set. */
export interface SetOptions extends WriteOptions {
  /** `NX`: set only if the key does not exist. `NEX`: also if the key has this value already. Default: always. */
  condition?: SetCondition;
  /** Milliseconds until the store deletes the key, a whole number from 1. Default: never. */
  expiry?: number;
  /** Asks for a key that survives a restart of the whole broker. Works only if the broker has persistence. Default false. */
  persist?: boolean;
}

/** Options of observing a key. */
export interface ObserveOptions {
  /**
   * Milliseconds from the call until the key is observed, with all steps on the way: connecting, subscribing, KEYNOTIFY, GET. A whole
   * number from 1 to 2147483647. Default: the client's.
   */
  timeout?: number;
  /** Aborts the call, which then rejects with the signal's reason. Later it closes the observation. */
  signal?: AbortSignal;
  /** Whether the current value is reported first, if the key exists. Default false. */
  current?: boolean;
}

/** The topic of notifications has the client ID in hexadecimal digits. */
const MAX_CLIENT_ID_BYTES = 30_000;

const clientIdText = mqttText(MAX_CLIENT_ID_BYTES);

const TLS_RULES: Rules<TlsOptions> = {
  caFile: text,
  ca: bytes,
  certFile: text,
  cert: bytes,
  keyFile: text,
  key: bytes,
  keyPasswordFile: text,
  passphrase: text,
  servername: text,
  ALPNProtocols: listOfText,
  verify: boolean,
};

const CLIENT_RULES: Rules<StateStoreClientOptions> = {
  host,
  port: integer(1, 65_535),
  locate: functionOf('a promise of host and port'),
  tls: (field, value, context) => {
    if (typeof value !== 'boolean') checkRules(value, TLS_RULES, context, field);
  },
  clientId: (field, value, context) => {
    clientIdText(field, value, context);
    if (/[/+#]/.test(String(value)))
      throw bad(field, `must not contain / + #, but is ${printableValue(value)}`, context);
  },
  keepAlive: integer(0, 65_535),
  cleanStart: boolean,
  sessionExpiry: integer(0, 2 ** 32 - 1),
  connectTimeout: milliseconds,
  timeout: milliseconds,
  inFlightLimit: integer(1, 65_535),
  queueLimit: integer(1),
  queueByteLimit: integer(1),
  keyPrefix: text,
  metricCategory: mqttText(),
  highPriority: boolean,
  persistence: (field, value, context) => {
    checkRules(value, PERSISTENCE_RULES, context, field);
  },
  username: mqttText(),
  password: text,
  passwordFile: text,
  tokenFile: text,
};

const PERSISTENCE_RULES: Rules<{ name: string; value: string }> = { name: mqttText(), value: mqttText() };

const tokenText = mqttText();

const fencingToken: Rule = (field, value, context) => {
  if (typeof value !== 'string' || !parseHlc(value)) {
    const rule = 'must be a version that the store returned, like 001737000000000:00000:name';
    throw bad(field, `${rule}, not ${printableValue(value)}`, context);
  }
  tokenText(field, value, context);
};

export const REQUEST_RULES: Rules<RequestOptions> = {
  timeout: milliseconds,
  signal,
  urgent: boolean,
  abortedError: boolean,
};
export const WRITE_RULES: Rules<WriteOptions> = { ...REQUEST_RULES, fencingToken, repeatable: boolean };
export const SET_RULES: Rules<SetOptions> = {
  ...WRITE_RULES,
  condition: oneOf('NX', 'NEX'),
  expiry: integer(1),
  persist: boolean,
};
export const OBSERVE_RULES: Rules<ObserveOptions> = { timeout: milliseconds, signal, current: boolean };

export type ResolvedOptions = Required<Omit<StateStoreClientOptions, keyof Login | 'tls' | 'locate'>> & {
  locate: StateStoreClientOptions['locate'];
  tls: TlsOptions | undefined;
  login: Login;
};

/** The client's options with every default filled in. Throws `BAD_ARGUMENT`. */
export function resolveClientOptions(options: StateStoreClientOptions): ResolvedOptions {
  checkRules(options, CLIENT_RULES);
  const tls = options.tls === true ? {} : options.tls || undefined;
  if (tls && Boolean(tls.certFile ?? tls.cert) !== Boolean(tls.keyFile ?? tls.key))
    throw bad('tls', 'needs a client certificate together with its key, or neither');
  const { name, value } = options.persistence ?? { name: 'aio-persistence', value: 'true' };
  if (name === undefined || value === undefined) throw bad('persistence', 'needs a name and a value');
  return {
    host: options.host ?? 'localhost',
    port: options.port ?? (tls ? 8883 : 1883),
    locate: options.locate,
    tls,
    login: resolveLogin(options),
    clientId: options.clientId || `statestore-${randomId()}`,
    keepAlive: options.keepAlive ?? 60,
    cleanStart: options.cleanStart ?? true,
    sessionExpiry: options.sessionExpiry ?? 3600,
    connectTimeout: options.connectTimeout ?? 10_000,
    timeout: options.timeout ?? 10_000,
    inFlightLimit: options.inFlightLimit ?? 1000,
    queueLimit: options.queueLimit ?? 10_000,
    queueByteLimit: options.queueByteLimit ?? 64 * 2 ** 20,
    keyPrefix: options.keyPrefix ?? '',
    metricCategory: options.metricCategory ?? 'node-red-statestore',
    highPriority: options.highPriority ?? true,
    persistence: { name, value },
  };
}

function resolveLogin({ username, password, passwordFile, tokenFile }: Login): Login {
  if (tokenFile !== undefined && (username ?? password ?? passwordFile) !== undefined) {
    throw bad('tokenFile', 'cannot be used together with a username or password');
  }
  if ((password ?? passwordFile) !== undefined && username === undefined) {
    throw bad('username', 'must be given with a password');
  }
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(tokenFile !== undefined && { tokenFile }),
  };
}

function host(field: string, value: unknown, context: ErrorContext): void {
  text(field, value, context);
  if (String(value).trim() === '')
    throw bad(field, 'must not be empty: give the name or address of the broker', context);
}

function listOfText(field: string, value: unknown, context: ErrorContext): void {
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return;
  throw bad(field, `must be an array of strings, not ${printableValue(value)}`, context);
}

/** A key that its caller cannot change any more. Throws `BAD_ARGUMENT` if it is empty, or neither a string nor bytes. */
export function ownKey(key: Bytes, operation: Operation): string | Buffer {
  bytes('key', key, { operation });
  if (key.length === 0) throw bad('key', 'must not be empty', { operation, key: '' });
  return typeof key === 'string' ? key : Buffer.from(key);
}

/** Bytes as a Buffer, without a copy of bytes. Throws `BAD_ARGUMENT` that names `field`. */
export function toBytes(field: string, value: Bytes, context: ErrorContext = {}): Buffer {
  bytes(field, value, context);
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
