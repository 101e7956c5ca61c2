/** What a caller may choose, and the checks that name a wrong choice. */

import { type ErrorContext, type Operation, printableValue, StateStoreError } from '../errors';
import type { Login, TlsOptions } from '../mqtt/login';
import type { SetCondition } from '../protocol/commands';
import { parseHlc } from '../protocol/hlc';
import { randomId } from './random';

/** Bytes, or text that is sent as UTF-8. */
export type Bytes = string | Uint8Array;

export interface StateStoreClientOptions extends Login {
  /** Host name or IP address of the MQTT broker. Default `localhost`. */
  host?: string;
  /** TCP port, 1 to 65535. Default 8883 with TLS, otherwise 1883. */
  port?: number;
  /**
   * Asked for host and port before each attempt to connect, instead of `host` and `port`. Where it rejects, the attempt has failed: with
   * a {@link ConnectionError} for that reason.
   */
  locate?: () => Promise<{ host: string; port: number }>;
  /** TLS; `true` for the defaults. Default: none. */
  tls?: TlsOptions | boolean;
  /** MQTT client ID: any text without `/`, `+`, `#`. Default: a new, unique one. */
  clientId?: string;
  /** Seconds between pings while nothing else is sent, 0 (never) to 65535. Default 60. */
  keepAlive?: number;
  /** Whether the first connection discards what an earlier client with this ID left at the broker. Default true. */
  cleanStart?: boolean;
  /** Seconds the broker keeps the session while the connection is lost, 0 to 4294967295. Default 3600. */
  sessionExpiry?: number;
  /** Milliseconds an attempt to connect may take. Default 10000. */
  connectTimeout?: number;
  /** Milliseconds from a call to its answer, unless the call says otherwise. Default 10000. */
  timeout?: number;
  /** Most requests published and not yet answered. The broker's Receive Maximum may lower it. Default 1000. */
  inFlightLimit?: number;
  /** Most requests that wait for the connection or for a place in flight. Default 10000. */
  queueLimit?: number;
  /** Maximum bytes of the requests that wait. One request may wait alone, whatever its size. Default 67108864 (64 MiB). */
  queueByteLimit?: number;
  /** Put before every key on its way to the store and taken off on the way back. Default: none. */
  keyPrefix?: string;
  /**
   * Name under which the broker counts this client in its metrics: the user property `metriccategory` of CONNECT. Blank: none. Default
   * `node-red-statestore`.
   */
  metricCategory?: string;
  /** MQTT user property that asks for a key to survive a restart of the broker. Default `aio-persistence` = `true`. */
  persistence?: { name: string; value: string };
}

export interface RequestOptions {
  /** Milliseconds from the call to the answer, an integer from 1. Default: the client's. */
  timeout?: number;
  /** Gives the call up; it then rejects with the signal's reason. A write that went out may still be applied. */
  signal?: AbortSignal;
  /**
   * Whether the request goes out before all that are not urgent, and the limits of the queue do not count it: for renewals and
   * releases of leases. @internal
   */
  urgent?: boolean;
  /** Whether an aborted call rejects with `ABORTED` and its facts, instead of with the signal's reason. @internal */
  abortedError?: boolean;
}

export interface WriteOptions extends RequestOptions {
  /** A version that the store returned, unchanged: the write fails when the key is protected by a newer one. */
  fencingToken?: string;
  /**
   * Whether executing the write twice does no harm, and either answer will do, as with `NEX` or with {@link
   * StateStoreClient.deleteIfValue} where nobody else uses this value. Such a write is sent again when the broker lost the
   * session, instead of ending as `OUTCOME_UNKNOWN`. Default false.
   */
  repeatable?: boolean;
}

export interface SetOptions extends WriteOptions {
  /** `NX`: only if the key is new. `NEX`: only if the key is new or holds this very value. Default: always. */
  condition?: SetCondition;
  /** Milliseconds until the key is deleted by the store, an integer from 1. Default: never. */
  expiry?: number;
  /** Ask that the key survive a restart of the whole broker; works where the operator enabled it. */
  persist?: boolean;
}

export interface ObserveOptions {
  /** Gives the call up, or ends the observation once there is one. */
  signal?: AbortSignal;
  /** Whether to hand on first what the key holds now, if it exists. Default false. */
  current?: boolean;
}

const MAX_TIMER_MS = 2 ** 31 - 1;
/** Most bytes of an MQTT string (MQTT 5 section 1.5.4). */
const MAX_TEXT_BYTES = 65_535;
/** The topic of notifications has the client ID in hexadecimal digits. */
const MAX_CLIENT_ID_BYTES = 30_000;

export type ResolvedOptions = Required<Omit<StateStoreClientOptions, keyof Login | 'tls' | 'locate'>> & {
  locate: StateStoreClientOptions['locate'];
  tls: TlsOptions | undefined;
  login: Login;
};

/** The client's options with every default filled in. Throws `BAD_ARGUMENT`. */
export function resolveClientOptions(options: StateStoreClientOptions): ResolvedOptions {
  const tls = options.tls === true ? {} : options.tls || undefined;
  const resolved = {
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
    persistence: options.persistence ?? { name: 'aio-persistence', value: 'true' },
  };
  if (resolved.host.trim() === '')
    throw bad('host', 'must not be empty: give the name or address of the broker');
  checkLength('clientId', resolved.clientId, MAX_CLIENT_ID_BYTES);
  checkLength('persistence.name', resolved.persistence.name, MAX_TEXT_BYTES);
  checkLength('persistence.value', resolved.persistence.value, MAX_TEXT_BYTES);
  checkLength('metricCategory', resolved.metricCategory, MAX_TEXT_BYTES);
  checkInteger('port', resolved.port, 1, 65_535);
  checkInteger('keepAlive', resolved.keepAlive, 0, 65_535);
  checkInteger('sessionExpiry', resolved.sessionExpiry, 0, 2 ** 32 - 1);
  checkInteger('connectTimeout', resolved.connectTimeout, 1, MAX_TIMER_MS);
  checkInteger('timeout', resolved.timeout, 1, MAX_TIMER_MS);
  checkInteger('inFlightLimit', resolved.inFlightLimit, 1, 65_535);
  checkInteger('queueLimit', resolved.queueLimit, 1, Number.MAX_SAFE_INTEGER);
  checkInteger('queueByteLimit', resolved.queueByteLimit, 1, Number.MAX_SAFE_INTEGER);
  if (tls && Boolean(tls.certFile ?? tls.cert) !== Boolean(tls.keyFile ?? tls.key)) {
    throw bad('tls', 'needs a client certificate together with its key, or neither');
  }
  return resolved;
}

function resolveLogin({ username, password, passwordFile, tokenFile }: Login): Login {
  if (tokenFile !== undefined && (username ?? password ?? passwordFile) !== undefined) {
    throw bad('login', 'must be either a service account token or a user name and password, not both');
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

/** A key that its caller cannot change any more. Throws `BAD_ARGUMENT` when it is empty or no key at all. */
export function ownKey(key: Bytes, operation: Operation): string | Buffer {
  checkBytes('key', key, { operation });
  if (key.length === 0) throw bad('key', 'must not be empty', { operation, key: '' });
  return typeof key === 'string' ? key : Buffer.from(key);
}

/** Bytes as a Buffer, without a copy where there are bytes already. Throws `BAD_ARGUMENT` that names `field`. */
export function toBytes(field: string, value: Bytes, context: ErrorContext = {}): Buffer {
  checkBytes(field, value, context);
  if (typeof value === 'string') return Buffer.from(value);
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

/** Throws `BAD_ARGUMENT` for what cannot be a value. */
export function checkValue(value: Bytes, context: ErrorContext): void {
  checkBytes('value', value, context);
}

function checkBytes(field: string, value: Bytes, context: ErrorContext): void {
  if (typeof value === 'string' || value instanceof Uint8Array) return;
  const found = value === null ? 'null' : typeof value;
  throw bad(field, `must be a string or bytes, not ${found}`, context);
}

/** Throws `BAD_ARGUMENT` for options that no request may have. */
export function checkOptions(options: SetOptions, context: ErrorContext): void {
  const { timeout, expiry, fencingToken, condition } = options;
  if (timeout !== undefined) checkInteger('timeout', timeout, 1, MAX_TIMER_MS, context);
  if (expiry !== undefined) checkInteger('expiry', expiry, 1, Number.MAX_SAFE_INTEGER, context);
  if (condition !== undefined && condition !== 'NX' && condition !== 'NEX') {
    throw bad('condition', `must be NX or NEX, not ${printableValue(condition)}`, context);
  }
  if (fencingToken !== undefined && (typeof fencingToken !== 'string' || !parseHlc(fencingToken))) {
    throw bad(
      'fencingToken',
      `must be a version that the store returned, like 001737000000000:00000:name, not ${printableValue(fencingToken)}`,
      context,
    );
  }
  if (fencingToken !== undefined) checkLength('fencingToken', fencingToken, MAX_TEXT_BYTES, context);
}

function checkLength(field: string, value: string, max: number, context?: ErrorContext): void {
  const bytes = Buffer.byteLength(value);
  if (bytes > max) throw bad(field, `must not be longer than ${max} bytes, but has ${bytes}`, context);
}

function checkInteger(field: string, value: unknown, min: number, max: number, context?: ErrorContext): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  throw bad(field, `must be a whole number ${range}, not ${printableValue(value)}`, context);
}

function bad(field: string, rule: string, context: ErrorContext = {}): StateStoreError {
  const where = context.key ? ` (${context.operation} key ${context.key})` : '';
  return new StateStoreError('BAD_ARGUMENT', `${field} ${rule}${where}.`, context);
}
