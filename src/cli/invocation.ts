/** What was asked for: the arguments of the command `statestore`, checked. */
import { parseArgs } from 'node:util';
import { optionsFromEnvironment } from '../client/environment';
import type { SetOptions, StateStoreClientOptions } from '../client/options';
import type { SetCondition } from '../protocol/commands';
import { parseHlc } from '../protocol/hlc';
import { UsageError } from './usage-error';

interface Common {
  key: Buffer;
  json: boolean;
  /** Whether bytes go to a terminal as they are. */
  raw: boolean;
  /** Milliseconds. */
  timeout: number;
  /** Whether the `AIO_*` variables say where the store is. */
  fromEnvironment: boolean;
  client: StateStoreClientOptions;
  /** The value to set, or the one to compare with. */
  input?: Buffer | 'stdin';
}

type WriteOptions = Pick<SetOptions, 'fencingToken'>;

/** One call of the library. */
export type Call =
  | (Common & { command: 'get'; options: object })
  | (Common & { command: 'set'; options: SetOptions })
  | (Common & { command: 'delete'; options: WriteOptions })
  | (Common & { command: 'observe'; current: boolean });

export type Invocation = { command: 'help' } | { command: 'version' } | Call;

const COMMANDS = ['get', 'set', 'delete', 'observe'] as const;
type Command = (typeof COMMANDS)[number];

const OPTIONS = {
  json: { type: 'boolean' },
  raw: { type: 'boolean' },
  'if-value': { type: 'string' },
  'if-stdin': { type: 'boolean' },
  condition: { type: 'string' },
  expiry: { type: 'string' },
  persist: { type: 'boolean' },
  'fencing-token': { type: 'string' },
  current: { type: 'boolean' },
  'key-prefix': { type: 'string' },
  timeout: { type: 'string' },
  env: { type: 'boolean' },
  host: { type: 'string' },
  port: { type: 'string' },
  tls: { type: 'boolean' },
  ca: { type: 'string' },
  servername: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'key-password-file': { type: 'string' },
  username: { type: 'string' },
  'password-file': { type: 'string' },
  'token-file': { type: 'string' },
  'client-id': { type: 'string' },
  help: { type: 'boolean' },
  version: { type: 'boolean' },
} as const;
type Option = keyof typeof OPTIONS;

/** Options that not every command has. */
const ONLY_FOR: Partial<Record<Option, readonly Command[]>> = {
  raw: ['get', 'observe'],
  'if-value': ['delete'],
  'if-stdin': ['delete'],
  condition: ['set'],
  expiry: ['set'],
  persist: ['set'],
  'fencing-token': ['set', 'delete'],
  current: ['observe'],
};

/** What the variables of `--env` decide. */
const PLACE: readonly Option[] = [
  ...(['host', 'port', 'tls', 'ca', 'servername', 'cert', 'key', 'key-password-file'] as const),
  ...(['username', 'password-file', 'token-file'] as const),
];

const DEFAULT_TIMEOUT_MS = 10_000;
/** The longest timer of Node.js, in seconds. */
const MAX_TIMEOUT_S = 2_147_483;
/** Seconds the broker keeps the session of a command that was killed. */
const SESSION_EXPIRY_S = 60;

/** Throws a {@link UsageError}, or `BAD_ARGUMENT` that names the variables of the environment that are wrong. */
export function parseInvocation(args: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const { values, positionals } = parse(args);
  if (values.help) return { command: 'help' };
  if (values.version) return { command: 'version' };
  const [command, key, value, ...more] = positionals;
  if (!isCommand(command)) {
    const found = command === undefined ? '' : `, not "${command}"`;
    throw new UsageError(`say what to do: ${COMMANDS.join(', ')}${found}; see --help`);
  }
  for (const [option, commands] of Object.entries(ONLY_FOR)) {
    if (values[option as Option] !== undefined && !commands.includes(command)) {
      throw new UsageError(`--${option} is for ${commands.join(' and ')}, not for ${command}`);
    }
  }
  if (!key) throw new UsageError(`${command} needs a KEY of at least one byte`);
  const extra = command === 'set' ? more[0] : value;
  if (extra !== undefined) {
    throw new UsageError(`"${extra}" is too much: put quotes around a KEY or VALUE with spaces in it`);
  }
  const timeout = values.timeout === undefined ? DEFAULT_TIMEOUT_MS : milliseconds('timeout', values.timeout);
  const common = {
    key: text('KEY', key),
    json: values.json ?? false,
    raw: values.raw ?? false,
    timeout,
    fromEnvironment: values.env ?? false,
    client: {
      ...(values.env ? fromEnvironment(values, env) : fromArguments(values, env)),
      ...(values['client-id'] !== undefined && { clientId: values['client-id'] }),
      ...(values['key-prefix'] !== undefined && { keyPrefix: values['key-prefix'] }),
      timeout,
      // An attempt that hangs reports how far it came before the time is over.
      connectTimeout: Math.ceil(timeout * 0.9),
      cleanStart: true,
      sessionExpiry: SESSION_EXPIRY_S,
    },
  };
  switch (command) {
    case 'get':
      return { command, ...common, options: {} };
    case 'set':
      return {
        ...{ command, ...common },
        input: value === undefined ? 'stdin' : text('VALUE', value),
        options: {
          ...readFencingToken(values),
          ...readCondition(values),
          ...(values.expiry !== undefined && { expiry: milliseconds('expiry', values.expiry) }),
          ...(values.persist && { persist: true }),
        },
      };
    case 'delete':
      return { command, ...common, ...readIfValue(values), options: readFencingToken(values) };
    case 'observe':
      return { command, ...common, current: values.current ?? false };
  }
}

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    if (args.some((one) => /^--password(=|$)/.test(one))) {
      throw new UsageError(
        'a password is not taken as an argument, where others can see it: use --password-file or the variable STATESTORE_PASSWORD',
      );
    }
    throw new UsageError(usageWords(error as NodeJS.ErrnoException));
  }
}

function usageWords({ code, message }: NodeJS.ErrnoException): string {
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.replace(/\s+/g, ' ');
  const option = /'(.+?)'/.exec(message)?.[1];
  return `there is no option ${option}; --help lists them, and a KEY or VALUE that begins with "-" stands after "--"`;
}

function isCommand(text: string | undefined): text is Command {
  return (COMMANDS as readonly (string | undefined)[]).includes(text);
}

/** The pod's client ID and session belong to the program that runs there, which would be thrown out. */
function fromEnvironment(values: Values, env: NodeJS.ProcessEnv): StateStoreClientOptions {
  const both = PLACE.find((option) => values[option] !== undefined);
  if (both)
    throw new UsageError(`--env takes this from the AIO_... variables: leave --${both} or --env away`);
  const { clientId, ...options } = optionsFromEnvironment(env);
  return options;
}

function fromArguments(values: Values, env: NodeJS.ProcessEnv): StateStoreClientOptions {
  const { host, port, tls, ca, servername, cert, key, username } = values;
  const keyPasswordFile = values['key-password-file'];
  const passwordFile = values['password-file'];
  const tokenFile = values['token-file'];
  const password = env.STATESTORE_PASSWORD;
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--cert and --key belong together');
  }
  if (tokenFile !== undefined && username !== undefined) {
    throw new UsageError('--token-file and --username exclude each other');
  }
  if (passwordFile !== undefined && username === undefined) {
    throw new UsageError('--password-file needs --username');
  }
  const files = {
    ...(ca !== undefined && { caFile: ca }),
    ...(servername !== undefined && { servername }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
    ...(keyPasswordFile !== undefined && { keyPasswordFile }),
  };
  return {
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port: readPort(port) }),
    tls: (tls ?? Object.keys(files).length > 0) && files,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { passwordFile }),
    ...(username !== undefined && passwordFile === undefined && password !== undefined && { password }),
    ...(tokenFile !== undefined && { tokenFile }),
  };
}

function readFencingToken({ 'fencing-token': fencingToken }: Values): WriteOptions {
  if (fencingToken === undefined) return {};
  if (parseHlc(fencingToken)) return { fencingToken };
  throw new UsageError(
    `--fencing-token must be a version that the store returned, like 001737000000000:00000:name, not "${fencingToken}"`,
  );
}

function readCondition({ condition }: Values): { condition?: SetCondition } {
  if (condition === undefined) return {};
  if (condition === 'NX' || condition === 'NEX') return { condition };
  throw new UsageError(`--condition must be NX or NEX, not "${condition}"`);
}

function readIfValue(values: Values): Pick<Common, 'input'> {
  const value = values['if-value'];
  if (value !== undefined && values['if-stdin']) {
    throw new UsageError('--if-value and --if-stdin exclude each other');
  }
  if (values['if-stdin']) return { input: 'stdin' };
  return value === undefined ? {} : { input: text('--if-value', value) };
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`--port must be a whole number from 1 to 65535, not "${text}"`);
}

function milliseconds(option: 'timeout' | 'expiry', text: string): number {
  const max = option === 'timeout' ? MAX_TIMEOUT_S : Math.floor(Number.MAX_SAFE_INTEGER / 1000);
  const seconds = /^\d{1,13}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (seconds >= 0.001 && seconds <= max) return Math.round(seconds * 1000);
  throw new UsageError(`--${option} must be a number of seconds from 0.001 to ${max}, not "${text}"`);
}

/** Node.js puts U+FFFD in place of bytes that are no UTF-8, which would be another key or value. */
function text(name: string, given: string): Buffer {
  if (!given.includes('\ufffd')) return Buffer.from(given);
  throw new UsageError(`${name} must be UTF-8 text; other bytes of a value come by stdin`);
}
