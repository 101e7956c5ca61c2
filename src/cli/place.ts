/** Options that all commands have: where the store is, and how results are shown. */
import { optionsFromEnvironment } from '../client/environment';
import type { StateStoreClientOptions } from '../client/options';
import type { Arguments, Options } from './arguments';
import type { SessionOptions } from './session';
import { UsageError } from './usage-error';

const boolean = (help: string) => ({ type: 'boolean', help }) as const;
const string = (value: string, help: string) => ({ type: 'string', value, help }) as const;

export const COMMON: Options = {
  json: boolean(
    'one line of JSON for each result: the operation, its result, the value, its version. A value that is not UTF-8 is in "valueBase64"',
  ),
  'key-prefix': string('TEXT', 'prefix added to the key or the pattern in the store'),
  timeout: string(
    'SECONDS',
    'maximum time for the whole command. observe: until the key is observed. Commands with many keys: for each request (default 10)',
  ),
};

export const PLACE: Options = {
  env: boolean('read connection settings from the AIO_... variables, except the client ID'),
  host: string('HOST', 'host of the MQTT broker (default localhost)'),
  port: string('PORT', 'its port (default 1883, with TLS 8883)'),
  tls: boolean('use TLS. --ca, --cert and --key include it'),
  ca: string('FILE', 'CA certificates (PEM) to verify the broker (default: the CAs of Node.js)'),
  servername: string('NAME', 'the name in the certificate of the broker, if it is not HOST'),
  cert: string('FILE', 'certificate of this client, PEM'),
  key: string('FILE', 'private key of this client, PEM'),
  'key-password-file': string('FILE', 'password of the private key'),
  username: string('NAME', 'username. The password is in the variable STATESTORE_PASSWORD, or in a file'),
  'password-file': string('FILE', 'file with the password'),
  'token-file': string('FILE', 'Kubernetes service account token'),
  'client-id': string('ID', 'MQTT client ID (default: a new one). A client with the same ID is disconnected'),
};

/** Options that the variables of `--env` replace. */
const REPLACED_BY_ENV = Object.keys(PLACE).filter((option) => option !== 'env' && option !== 'client-id');

const DEFAULT_TIMEOUT_MS = 10_000;
/** Seconds the broker keeps the session of a command that was killed. */
const SESSION_EXPIRY_S = 60;

/** Throws a {@link UsageError}, or `BAD_ARGUMENT` that names the variables of the environment that are wrong. */
export function sessionOptions(args: Arguments, env: NodeJS.ProcessEnv): SessionOptions {
  const timeout = args.milliseconds('timeout') ?? DEFAULT_TIMEOUT_MS;
  const clientId = args.text('client-id');
  const keyPrefix = args.text('key-prefix');
  return {
    timeout,
    fromEnvironment: args.flag('env'),
    client: {
      ...(args.flag('env') ? fromEnvironment(args, env) : fromArguments(args, env)),
      ...(clientId !== undefined && { clientId }),
      ...(keyPrefix !== undefined && { keyPrefix }),
      timeout,
      // An attempt that hangs reports how far it came before the time is over.
      connectTimeout: Math.ceil(timeout * 0.9),
      cleanStart: true,
      sessionExpiry: SESSION_EXPIRY_S,
    },
  };
}

/** The pod's client ID and session belong to the program that runs there, which would be disconnected. */
function fromEnvironment(args: Arguments, env: NodeJS.ProcessEnv): StateStoreClientOptions {
  const both = REPLACED_BY_ENV.find((option) => args.has(option));
  if (both) throw new UsageError(`--env and --${both} cannot be used together`);
  const { clientId, ...options } = optionsFromEnvironment(env);
  return options;
}

function fromArguments(args: Arguments, env: NodeJS.ProcessEnv): StateStoreClientOptions {
  const host = args.text('host');
  const port = args.text('port');
  const username = args.text('username');
  const passwordFile = args.text('password-file');
  const tokenFile = args.text('token-file');
  const password = env.STATESTORE_PASSWORD;
  if (args.has('cert') !== args.has('key')) throw new UsageError('--cert and --key must be used together');
  args.notBoth('token-file', 'username');
  if (passwordFile !== undefined && username === undefined)
    throw new UsageError('--password-file needs --username');
  const files = tlsFiles(args);
  return {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: readPort(port) }),
    tls: (args.flag('tls') || Object.keys(files).length > 0) && files,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(username !== undefined && passwordFile === undefined && password !== undefined && { password }),
    ...(tokenFile !== undefined && { tokenFile }),
  };
}

function tlsFiles(args: Arguments) {
  const caFile = args.text('ca');
  const servername = args.text('servername');
  const certFile = args.text('cert');
  const keyFile = args.text('key');
  const keyPasswordFile = args.text('key-password-file');
  return {
    ...(caFile !== undefined && { caFile }),
    ...(servername !== undefined && { servername }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
    ...(keyPasswordFile !== undefined && { keyPasswordFile }),
  };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`--port must be a whole number from 1 to 65535, not "${text}"`);
}
