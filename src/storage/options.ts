/** The options of the flow storage in settings.js, and the checks that name a wrong option. */
import { optionsFromEnvironment } from '../client/environment';
import { resolveClientOptions, type StateStoreClientOptions } from '../client/options';
import { StateStoreError } from '../errors';
import { withNames } from '../option-rules';

/** The options of {@link StateStoreClientOptions}, and the options of the storage. */
export interface FlowStorageOptions extends StateStoreClientOptions {
  /** Take the connection from the `AIO_*` variables. Options that are given beside it come first. */
  from?: 'environment';
  /** Begins all keys in the store. Instances with the same prefix run the same flows. Default `nodered-flows`. */
  prefix?: string;
  /** How many versions of the flows stay in the store. Default 10. Range 1-1000. */
  versions?: number;
  /** Largest flows with credentials, in bytes. Default 16777216 (16 MiB). */
  maxBytes?: number;
  /** Milliseconds that the start of Node-RED waits for the store before it uses the copy on disk. Default 10000. */
  startTimeout?: number;
  /** Asks for keys that survive a restart of the whole broker. Works only if the broker has persistence. Default true. */
  persist?: boolean;
  /** Name of this instance in the list of versions. Default: the host name. */
  instance?: string;
}

export interface ResolvedStorageOptions {
  client: StateStoreClientOptions;
  prefix: string;
  versions: number;
  maxBytes: number;
  startTimeout: number;
  persist: boolean;
  instance: string;
}

/** A pod has one client ID for the flows, and others that are derived from it. */
const CLIENT_ID_END = '-storage';
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The options with all defaults. Throws `BAD_ARGUMENT` that names the option. */
export function resolveStorageOptions(options: FlowStorageOptions, hostname: string): ResolvedStorageOptions {
  const {
    from,
    prefix = 'nodered-flows',
    versions = 10,
    maxBytes = 16 * 1024 * 1024,
    startTimeout = 10_000,
    persist = true,
    instance = hostname,
    ...given
  } = options;
  if (from !== undefined && from !== 'environment')
    throw bad('from', `must be 'environment', not ${JSON.stringify(from)}`);
  if (typeof prefix !== 'string' || prefix === '') throw bad('prefix', 'must be text that is not empty');
  if (typeof instance !== 'string' || instance === '')
    throw bad('instance', 'must be text that is not empty');
  if (typeof persist !== 'boolean') throw bad('persist', 'must be true or false');
  checkInteger('versions', versions, 1000);
  checkInteger('maxBytes', maxBytes, Number.MAX_SAFE_INTEGER);
  checkInteger('startTimeout', startTimeout, MAX_TIMER_MS);
  const client = { ...(from && fromEnvironment()), ...given };
  withNames(
    () => resolveClientOptions(client),
    ({ option, rule }) => bad(option, rule),
  );
  return { client, prefix, versions, maxBytes, startTimeout, persist, instance };
}

function fromEnvironment(): StateStoreClientOptions {
  const options = optionsFromEnvironment();
  if (options.clientId === undefined) return options;
  return { ...options, clientId: `${options.clientId}${CLIENT_ID_END}` };
}

function checkInteger(option: string, value: unknown, max: number): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max) return;
  throw bad(option, `must be a whole number from 1 to ${max}, not ${JSON.stringify(value)}`);
}

function bad(option: string, rule: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', `The option ${option} of the flow storage ${rule}.`);
}
