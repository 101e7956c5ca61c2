/** From the settings of a `statestore-config` to the options of its client. */
import type { NodeAPI } from 'node-red';
import { optionsFromEnvironment } from '../../client/environment';
import { resolveClientOptions, type StateStoreClientOptions } from '../../client/options';
import type { TlsOptions } from '../../mqtt/login';
import { withNames } from '../../option-rules';
import type { Variables } from '../message/environment';
import { type Address, AddressError, readAddress } from './address';
import { badSetting, SettingReader } from './setting-reader';
import type { StoreCredentials, StoreSettings } from './settings';
import { tlsOfNode } from './tls-config';

/**
 * The client's options. A blank setting takes the client's default. `variables`: those the store's node sees. Throws `BAD_ARGUMENT`
 * that names the setting.
 */
export function readStoreSettings(...parameters: Parameters<typeof readSettings>): StateStoreClientOptions {
  const options = readSettings(...parameters);
  withNames(
    () => resolveClientOptions(options),
    ({ option, rule }) => badSetting(SETTINGS[option] ?? option, rule),
  );
  return options;
}

/** Settings, by the options of the client with another name. */
const SETTINGS: Readonly<Record<string, string>> = {
  'tls.caFile': 'caFile',
  'tls.certFile': 'certFile',
  'tls.keyFile': 'keyFile',
  'persistence.name': 'persistName',
  'persistence.value': 'persistValue',
};

function readSettings(
  RED: NodeAPI,
  settings: StoreSettings,
  credentials: StoreCredentials,
  variables: Variables,
): StateStoreClientOptions {
  const reader = new SettingReader(variables);
  const limits = {
    ...reader.seconds('timeout', settings.timeout),
    ...reader.number('inFlightLimit', settings.inFlightLimit),
    ...reader.number('queueLimit', settings.queueLimit),
    ...reader.exactText('keyPrefix', settings.keyPrefix),
    ...reader.text('metricCategory', settings.metricCategory),
    ...(settings.highPriority === false && { highPriority: false }),
    persistence: {
      name: reader.text('persistName', settings.persistName).persistName ?? 'aio-persistence',
      value: reader.text('persistValue', settings.persistValue).persistValue ?? 'true',
    },
  };
  if (settings.source === 'environment') return { ...optionsFromEnvironment(), ...limits };
  const { host, port, tls } = readHost(reader, settings.host);
  return {
    ...(host !== undefined && { host }),
    ...(port === undefined ? reader.number('port', settings.port) : { port }),
    ...readTls(RED, reader, settings, credentials, tls === true),
    ...readLogin(reader, settings, credentials),
    ...reader.text('clientId', settings.clientId),
    ...reader.number('keepAlive', settings.keepAlive),
    ...reader.number('sessionExpiry', settings.sessionExpiry),
    ...limits,
  };
}

function readHost(reader: SettingReader, value: unknown): Partial<Address> {
  const { host } = reader.text('host', value);
  if (host === undefined) return {};
  try {
    return readAddress(host);
  } catch (error) {
    if (error instanceof AddressError) throw badSetting('host', error.message);
    throw error;
  }
}

function readLogin(
  reader: SettingReader,
  settings: StoreSettings,
  { username, password }: StoreCredentials,
): StateStoreClientOptions {
  switch (settings.login) {
    case 'password':
      if (!username) throw badSetting('username', 'is missing. Enter it, or select another login');
      return {
        ...reader.secret('username', username.trim(), 'username'),
        ...reader.secret('password', password, 'password'),
      };
    case 'token':
      if (!settings.tokenFile)
        throw badSetting('tokenFile', 'is missing. Enter its path, or select another login');
      return reader.text('tokenFile', settings.tokenFile);
    default:
      return {};
  }
}

/** `required`: the address is one of TLS. */
function readTls(
  RED: NodeAPI,
  reader: SettingReader,
  settings: StoreSettings,
  { keyPassword }: StoreCredentials,
  required: boolean,
): { tls?: TlsOptions } {
  switch (settings.tls) {
    case 'config':
      return { tls: tlsOfNode(RED, settings.tlsConfig) };
    case 'public':
      return { tls: { verify: true } };
    case 'files':
      return {
        tls: {
          ...reader.text('caFile', settings.caFile),
          ...reader.text('certFile', settings.certFile),
          ...reader.text('keyFile', settings.keyFile),
          ...reader.secret('passphrase', keyPassword, 'key password'),
          verify: settings.verify !== false,
        },
      };
    default:
      return required ? { tls: { verify: true } } : {};
  }
}
