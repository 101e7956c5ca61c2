import { StateStoreError } from '../errors';
import { withNames } from '../option-rules';
import { resolveClientOptions, type StateStoreClientOptions } from './options';

/** Problems found so far; one error names all of them. */
type Problems = string[];

/**
 * The options that the `AIO_*` variables stand for, as the public clients of Azure IoT Operations read them
 * (docs/protocol.md section 10). Throws one `BAD_ARGUMENT` that names every variable that is missing or wrong.
 */
export function optionsFromEnvironment(env: NodeJS.ProcessEnv = process.env): StateStoreClientOptions {
  const problems: Problems = [];
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  const host = text('AIO_BROKER_HOSTNAME');
  if (host === undefined) problems.push('AIO_BROKER_HOSTNAME is missing');
  const useTls = flag('AIO_MQTT_USE_TLS', text, true, problems);
  const login = readLogin(text, problems);
  const certFile = text('AIO_TLS_CERT_FILE');
  const keyFile = text('AIO_TLS_KEY_FILE');
  if ((certFile === undefined) !== (keyFile === undefined)) {
    problems.push('AIO_TLS_CERT_FILE and AIO_TLS_KEY_FILE must be given together');
  }
  const tls = {
    ...given('caFile', text('AIO_TLS_CA_FILE')),
    ...given('certFile', certFile),
    ...given('keyFile', keyFile),
    ...given('keyPasswordFile', text('AIO_TLS_KEY_PASSWORD_FILE')),
  };
  if (!useTls && Object.keys(tls).length > 0)
    problems.push('AIO_TLS_... files are given, but AIO_MQTT_USE_TLS is false');
  const options: StateStoreClientOptions = {
    ...given('host', host),
    port: integer('AIO_BROKER_TCP_PORT', text, 8883, 1, 65_535, problems),
    ...given('clientId', text('AIO_MQTT_CLIENT_ID')),
    cleanStart: flag('AIO_MQTT_CLEAN_START', text, false, problems),
    keepAlive: integer('AIO_MQTT_KEEP_ALIVE', text, 60, 0, 65_535, problems),
    sessionExpiry: integer('AIO_MQTT_SESSION_EXPIRY', text, 3600, 0, 2 ** 32 - 1, problems),
    tls: useTls && tls,
    ...login,
  };
  if (problems.length > 0) throw incomplete(problems);
  withNames(
    () => resolveClientOptions(options),
    ({ option, rule }) => incomplete([`${VARIABLES[option] ?? option} ${rule}`]),
  );
  return options;
}

/** Variables of options with rules of their own. */
const VARIABLES: Readonly<Record<string, string>> = {
  host: 'AIO_BROKER_HOSTNAME',
  clientId: 'AIO_MQTT_CLIENT_ID',
  username: 'AIO_MQTT_USERNAME',
};

function incomplete(problems: Problems): StateStoreError {
  const problem = `The environment has no complete settings for a store: ${problems.join('; ')}.`;
  return new StateStoreError('BAD_ARGUMENT', problem);
}

type Text = (name: string) => string | undefined;

function readLogin(text: Text, problems: Problems): StateStoreClientOptions {
  const username = text('AIO_MQTT_USERNAME');
  const passwordFile = text('AIO_MQTT_PASSWORD_FILE');
  const tokenFile = text('AIO_SAT_FILE');
  if (tokenFile !== undefined && (username ?? passwordFile) !== undefined) {
    const other = username === undefined ? 'AIO_MQTT_PASSWORD_FILE' : 'AIO_MQTT_USERNAME';
    problems.push(`AIO_SAT_FILE and ${other} cannot be used together`);
  }
  if (passwordFile !== undefined && username === undefined) {
    problems.push('AIO_MQTT_PASSWORD_FILE needs AIO_MQTT_USERNAME');
  }
  return {
    ...given('username', username),
    ...given('passwordFile', passwordFile),
    ...given('tokenFile', tokenFile),
  };
}

function flag(name: string, text: Text, fallback: boolean, problems: Problems): boolean {
  const value = text(name)?.toLowerCase();
  if (value === undefined) return fallback;
  if (value !== 'true' && value !== 'false') problems.push(`${name} must be true or false, not "${value}"`);
  return value === 'true';
}

function integer(
  name: string,
  text: Text,
  fallback: number,
  min: number,
  max: number,
  problems: Problems,
): number {
  const value = text(name);
  if (value === undefined) return fallback;
  const number = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  problems.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
  return fallback;
}

function given<Name extends string>(name: Name, value: string | undefined): { [N in Name]?: string } {
  return (value === undefined ? {} : { [name]: value }) as { [N in Name]?: string };
}
