/** The options of the context store, and the checks that name a wrong one. */
import { optionsFromEnvironment } from '../client/environment';
import { resolveClientOptions, type StateStoreClientOptions } from '../client/options';
import { StateStoreError } from '../errors';
import { withNames } from '../option-rules';

/** `config` of a context store in settings.js: what {@link StateStoreClientOptions} has, and how the memory is kept. */
export interface ContextStoreOptions extends StateStoreClientOptions {
  /** Take the connection from the `AIO_*` variables; what is given beside it comes first. */
  from?: 'environment';
  /** Text before all keys in the store. Node-RED instances with the same prefix share their context. Default `nodered`. */
  prefix?: string;
  /** Whether everything is kept in memory, too, so that it can be read synchronously. Default true. */
  cache?: boolean;
  /** Milliseconds that Node-RED's start waits for the store, 1 to 2147483647. Default 30000. */
  startTimeout?: number;
  /** Asks for keys that survive a restart of the whole broker. Works only if the broker has persistence. Default false. */
  persist?: boolean;
  /**
   * Names of context keys, in every scope, that stay in this process: nothing of them is written, and nothing is read. `dashboardStore`
   * always is one. Default none.
   */
  local?: string[];
  /**
   * Names of context keys, in every scope, that hold an object and are kept as one key of the store per property: Node-RED instances that
   * change different properties keep both changes. All instances need the same names. Needs `cache`. Default none.
   */
  parts?: string[];
}

export interface ResolvedContextOptions {
  client: StateStoreClientOptions;
  prefix: string;
  cache: boolean;
  startTimeout: number;
  persist: boolean;
  local: readonly string[];
  parts: readonly string[];
}

/** Keys under which widely used nodes keep live objects. */
const ALWAYS_LOCAL = ['dashboardStore'];

const MAX_TIMER_MS = 2 ** 31 - 1;
/** Writes that wait are joined per key, so there are never more of them than keys: the client's own limit is out of the way. */
const QUEUE_LIMIT = 1_000_000;
/** The store that the flows use has the client ID itself. */
const CLIENT_ID_END = '-context';

/** The first part of a property expression. */
const NAME = /^[A-Za-z_$][\w$]*$/;
/** Options that the client does not have. */
const OWN = ['from', 'prefix', 'cache', 'startTimeout', 'persist', 'local', 'parts'];

const TYPES: Record<keyof ContextStoreOptions, readonly string[]> = {
  ...{
    from: ['string'],
    prefix: ['string'],
    cache: ['boolean'],
    startTimeout: ['number'],
    persist: ['boolean'],
    local: ['object'],
    parts: ['object'],
  },
  ...{
    host: ['string'],
    port: ['number'],
    locate: ['function'],
    tls: ['object', 'boolean'],
    clientId: ['string'],
  },
  ...{
    keepAlive: ['number'],
    cleanStart: ['boolean'],
    sessionExpiry: ['number'],
    connectTimeout: ['number'],
  },
  ...{
    timeout: ['number'],
    inFlightLimit: ['number'],
    queueLimit: ['number'],
    queueByteLimit: ['number'],
    keyPrefix: ['string'],
  },
  ...{
    persistence: ['object'],
    username: ['string'],
    password: ['string', 'object'],
    passwordFile: ['string'],
  },
  ...{ tokenFile: ['string'], metricCategory: ['string'], highPriority: ['boolean'] },
};

/** The options with every default filled in. Throws `BAD_ARGUMENT` that names the option. */
export function resolveContextOptions(config: ContextStoreOptions): ResolvedContextOptions {
  for (const [name, value] of Object.entries(config)) {
    // Node-RED puts its own settings in here.
    if (name !== 'settings' && value !== undefined) checkType(name, value);
  }
  const { from, prefix = 'nodered', cache = true, startTimeout = 30_000, persist = false } = config;
  const { local, parts } = namesOf(config, cache);
  if (from !== undefined && from !== 'environment')
    throw bad('from', `must be 'environment', not ${JSON.stringify(from)}`);
  if (prefix === '') throw bad('prefix', 'must not be empty');
  if (!Number.isInteger(startTimeout) || startTimeout < 1 || startTimeout > MAX_TIMER_MS)
    throw bad('startTimeout', `must be a whole number from 1 to ${MAX_TIMER_MS}, not ${startTimeout}`);
  const client = { queueLimit: QUEUE_LIMIT, ...fromEnvironment(from), ...clientOptions(config) };
  withNames(
    () => resolveClientOptions(client),
    ({ option, rule }) => bad(option, rule),
  );
  return { client, prefix, cache, startTimeout, persist, local, parts };
}

function namesOf(
  { local = [], parts = [] }: ContextStoreOptions,
  cache: boolean,
): { local: string[]; parts: string[] } {
  for (const [option, names] of Object.entries({ local, parts })) {
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && NAME.test(name)))
      throw bad(option, `must be a list of names like ['line'], not ${JSON.stringify(names)}`);
  }
  const all = [...ALWAYS_LOCAL, ...local];
  const both = parts.find((name) => all.includes(name));
  if (both !== undefined) throw bad('parts', `must not have ${both}, which is local`);
  if (parts.length > 0 && !cache) throw bad('parts', 'needs cache: true');
  return { local: all, parts };
}

function fromEnvironment(from: ContextStoreOptions['from']): StateStoreClientOptions {
  if (from === undefined) return {};
  const options = optionsFromEnvironment();
  return options.clientId === undefined
    ? options
    : { ...options, clientId: `${options.clientId}${CLIENT_ID_END}` };
}

function clientOptions(config: ContextStoreOptions): StateStoreClientOptions {
  const own = new Set([...OWN, 'settings']);
  return Object.fromEntries(
    Object.entries(config).filter(([name, value]) => !own.has(name) && value !== undefined),
  );
}

function checkType(name: string, value: unknown): void {
  const types = Object.hasOwn(TYPES, name) ? TYPES[name as keyof ContextStoreOptions] : undefined;
  if (!types) throw bad(name, `is unknown. Valid options: ${Object.keys(TYPES).join(', ')}`);
  if (types.includes(typeof value) && value !== null) return;
  const found = typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : typeof value;
  throw bad(name, `must be of type ${types.join(' or ')}, not ${found}`);
}

function bad(option: string, rule: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', `The option ${option} of the context store ${rule}.`);
}
