/** From what the editor saves for a `statestore-config` to the options of its client. */
import type { NodeAPI } from 'node-red';
import { optionsFromEnvironment } from '../../client/environment';
import type { StateStoreClientOptions } from '../../client/options';
import { StateStoreError } from '../../errors';
import type { TlsOptions } from '../../mqtt/login';
import { environmentValue } from '../message/environment-value';
import { fieldText } from '../words/field-text';

const THIS_MACHINE = /^(localhost|127\.0\.0\.1)$/;

/** What the editor saves. Numbers may be text, text may be empty, and either may be `${NAME}` of the environment. */
export interface StoreSettings {
  /** What was chosen for *Where it is*. */
  place?: 'emulator' | 'aio' | 'other' | 'environment';
  /** `environment` takes server, TLS, log-in and session from the `AIO_*` variables. */
  source?: 'settings' | 'environment';
  host?: string;
  port?: string | number;
  /**
   * `public`: the authorities of this computer must know the certificate. `config`: a `tls-config` node. `files`: the paths below.
   * Empty: plain TCP.
   */
  tls?: '' | 'public' | 'config' | 'files';
  tlsConfig?: string;
  caFile?: string;
  certFile?: string;
  keyFile?: string;
  /** Whether the broker's certificate must be valid (only with `files`; a `tls-config` has its own). */
  verify?: boolean;
  login?: '' | 'password' | 'token';
  tokenFile?: string;
  clientId?: string;
  /** Seconds. */
  keepAlive?: string | number;
  /** Seconds. */
  sessionExpiry?: string | number;
  /** Seconds. */
  timeout?: string | number;
  inFlightLimit?: string | number;
  queueLimit?: string | number;
  keyPrefix?: string;
  /** User property that asks to keep a key on disk. */
  persistName?: string;
  persistValue?: string;
}

/** What Node-RED keeps apart from the flow, encrypted. */
export interface StoreCredentials {
  username?: string;
  password?: string;
  keyPassword?: string;
}

/** Node-RED starts an emulator for a store with the place *Emulator*, without TLS and log-in, if nothing listens at its address. */
export function isAutomatic(settings: StoreSettings, { host }: StateStoreClientOptions): boolean {
  const { place, source, tls, login } = settings;
  return (
    place === 'emulator' &&
    source !== 'environment' &&
    !tls &&
    !login &&
    THIS_MACHINE.test(host ?? 'localhost')
  );
}

/** The client's options. What is left blank takes the client's default. Throws `BAD_ARGUMENT` that names the setting. */
export function readStoreSettings(
  RED: NodeAPI,
  settings: StoreSettings,
  credentials: StoreCredentials,
): StateStoreClientOptions {
  const limits = {
    ...number('timeout', settings.timeout, 1000),
    ...number('inFlightLimit', settings.inFlightLimit),
    ...number('queueLimit', settings.queueLimit),
    ...exactText('keyPrefix', settings.keyPrefix),
    persistence: {
      name: text('name', settings.persistName).name ?? 'aio-persistence',
      value: text('value', settings.persistValue).value ?? 'true',
    },
  };
  if (settings.source === 'environment') return { ...optionsFromEnvironment(), ...limits };
  return {
    ...text('host', settings.host),
    ...number('port', settings.port),
    ...readTls(RED, settings, credentials),
    ...readLogin(settings, credentials),
    ...text('clientId', settings.clientId),
    ...number('keepAlive', settings.keepAlive),
    ...number('sessionExpiry', settings.sessionExpiry),
    ...limits,
  };
}

function readLogin(
  settings: StoreSettings,
  { username, password }: StoreCredentials,
): StateStoreClientOptions {
  switch (settings.login) {
    case 'password':
      if (!username) throw bad('user name', 'is missing. Enter it, or choose another log-in');
      return { ...text('username', username), ...exactText('password', password) };
    case 'token':
      if (!settings.tokenFile)
        throw bad('token file', 'is missing. Enter its path, or choose another log-in');
      return text('tokenFile', settings.tokenFile);
    default:
      return {};
  }
}

function readTls(
  RED: NodeAPI,
  settings: StoreSettings,
  { keyPassword }: StoreCredentials,
): { tls?: TlsOptions } {
  switch (settings.tls) {
    case 'config':
      return { tls: tlsOfNode(RED, settings.tlsConfig) };
    case 'public':
      return { tls: { verify: true } };
    case 'files':
      return {
        tls: {
          ...text('caFile', settings.caFile),
          ...text('certFile', settings.certFile),
          ...text('keyFile', settings.keyFile),
          ...(keyPassword && { passphrase: resolved('key password', fieldText(keyPassword)) }),
          verify: settings.verify !== false,
        },
      };
    default:
      return {};
  }
}

/** What a `tls-config` node of Core offers to those who use it. */
interface TlsConfigNode {
  addTLSOptions(options: object): {
    ca?: string | Buffer;
    cert?: string | Buffer;
    key?: string | Buffer;
    passphrase?: string;
    servername?: string;
    ALPNProtocols?: string[];
    rejectUnauthorized?: boolean;
  };
}

function isTlsConfig(node: object | null): node is TlsConfigNode {
  return node !== null && 'addTLSOptions' in node;
}

function tlsOfNode(RED: NodeAPI, id: string | undefined): TlsOptions {
  const node = id ? RED.nodes.getNode(id) : null;
  if (!id || !isTlsConfig(node))
    throw bad('TLS configuration', 'is missing. Choose one, and deploy it before you test');
  const { rejectUnauthorized, ...options } = node.addTLSOptions({});
  return { ...options, ...filesOfTlsConfig(RED, id), verify: rejectUnauthorized !== false };
}

/**
 * A `tls-config` reads its files once, when it starts, and leaves out what it cannot read. Certificates rotate, so where it
 * has paths they are read by the client, before each attempt.
 */
function filesOfTlsConfig(RED: NodeAPI, id: string): TlsOptions {
  let files: TlsOptions = {};
  RED.nodes.eachNode((def) => {
    if (def.id !== id) return;
    const { ca, cert, key } = def as { ca?: string; cert?: string; key?: string };
    files = {
      ...text('caFile', ca?.trim()),
      ...text('certFile', cert?.trim()),
      ...text('keyFile', key?.trim()),
    };
  });
  return files;
}

/** What is left blank is left out. */
function text<Name extends string>(name: Name, value: unknown): { [N in Name]?: string } {
  const given = fieldText(value).trim();
  return (given ? { [name]: resolved(name, given) } : {}) as { [N in Name]?: string };
}

/** The same where a blank at the beginning or the end is meant. */
function exactText<Name extends string>(name: Name, value: unknown): { [N in Name]?: string } {
  const given = fieldText(value);
  return (given ? { [name]: resolved(name, given) } : {}) as { [N in Name]?: string };
}

function number<Name extends string>(
  name: Name,
  value: string | number | undefined,
  factor = 1,
): { [N in Name]?: number } {
  const given = fieldText(value).trim();
  if (given === '') return {};
  const parsed = Number(resolved(name, given));
  // As it was entered: the value of a variable may be a secret, and whoever reads this may not know it.
  if (Number.isNaN(parsed)) throw bad(name, `must be a number, not "${given}"`);
  return { [name]: factor === 1 ? parsed : Math.round(parsed * factor) } as { [N in Name]?: number };
}

function resolved(name: string, value: string): string {
  return environmentValue(value, (variable) =>
    bad(name, `is taken from the environment variable ${variable}, which is not set`),
  );
}

function bad(field: string, rule: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', `The ${field} of this store ${rule}.`);
}
