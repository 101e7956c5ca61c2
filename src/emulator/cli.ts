#!/usr/bin/env node
/** The command `statestore-emulator`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { codeOf, messageOf } from '../errors';
import { Rules } from './access/rules';
import { readTlsFiles, type TlsFiles } from './access/tls-files';
import { Emulator, type EmulatorFile } from './broker';
import {
  DEFAULT_EMULATOR_HOST,
  DEFAULT_EMULATOR_PORT,
  type EmulatorOptions,
  type EmulatorTls,
} from './options';
import type { LoadedKey } from './store/change';
import { readLoadedKeys } from './store/load-data';

const HELP = `Usage: statestore-emulator [--port PORT] [--host ADDRESS] [--rules FILE] [--quota KEYS]
                           [--cert FILE --key FILE [--ca FILE]] [--execute-repeats]
                           [--no-scan] [--profile PROFILE] [--file FILE] [--load FILE]

Runs an emulator of the Azure IoT Operations state store: an MQTT 5 broker on this computer,
for evaluation, training and tests. Not for production.

  --port PORT     TCP port to listen on (default ${DEFAULT_EMULATOR_PORT}; 0 lets the system choose)
  --host ADDRESS  address to listen on (default ${DEFAULT_EMULATOR_HOST}, this computer only,
                  because without rules every client can read and write every key)
  --rules FILE    users and rules, JSON or YAML in the form of a BrokerAuthorization (default: full access
                  for every client). Their form:
                  https://github.com/edgestate/node-red-statestore/blob/main/docs/emulator.md#rules
  --quota KEYS    maximum number of keys (default: no limit)
  --cert FILE     certificate of the emulator, PEM: clients must use TLS
  --key FILE      private key of the emulator, PEM
  --ca FILE       CA certificates, PEM: clients need a certificate of one of these CAs
  --file FILE     keep the keys in this file: a write is on disk before it is acknowledged (default: keys are
                  kept in memory and are lost at the end)
  --load FILE     set these keys at the start: a JSON list of objects with one key each, or lines of
                  {"key": ..., "value": ...} or {"key": ..., "valueBase64": ...}
  --execute-repeats  execute repeated writes again, for tests of clients (default: return the first
                  response again)
  --no-scan       answer SCAN (a list of the keys) with "unknown command", as older brokers do
  --profile PROFILE  largest packet, by memory profile of the broker: tiny (4 MiB, the default), low (16 MiB),
                  medium (64 MiB) or high (256 MiB)
  --help          print this text
  --version       print the version

Stop it with Ctrl-C.
`;

/** Wrong use of the command: exit code 2, as usual. */
class UsageError extends Error {}

interface Arguments {
  help: boolean;
  version: boolean;
  emulator: EmulatorOptions & { port: number; host: string };
}

async function readArguments(): Promise<Arguments> {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: String(DEFAULT_EMULATOR_PORT) },
        host: { type: 'string', default: DEFAULT_EMULATOR_HOST },
        file: { type: 'string' },
        load: { type: 'string' },
        rules: { type: 'string' },
        quota: { type: 'string' },
        cert: { type: 'string' },
        key: { type: 'string' },
        ca: { type: 'string' },
        'execute-repeats': { type: 'boolean', default: false },
        'no-scan': { type: 'boolean', default: false },
        profile: { type: 'string', default: 'tiny' },
        help: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
      },
    });
    const { host, help, version, rules, quota, file, load } = values;
    const tls = await readTls(values);
    const maximumPacketSize = readProfile(values.profile);
    const port = wholeNumber('--port', values.port, 0, 65_535);
    const emulator = {
      ...{ host, port, maximumPacketSize },
      recogniseRepeats: !values['execute-repeats'],
      scan: !values['no-scan'],
      ...(tls && { tls }),
      ...(file !== undefined && { file }),
      ...(load !== undefined && { load: readLoad(load) }),
      ...(quota !== undefined && { keyQuota: wholeNumber('--quota', quota, 0, Number.MAX_SAFE_INTEGER) }),
      ...(rules !== undefined && { rules: readRules(rules) }),
    };
    return { help, version, emulator };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(messageOf(error));
  }
}

/** Largest packets in bytes, by the memory profile of a broker. High is the largest packet that MQTT allows. */
const PROFILES = new Map([
  ['tiny', 2 ** 22],
  ['low', 2 ** 24],
  ['medium', 2 ** 26],
  ['high', 2 ** 28],
]);

function readProfile(name: string): number {
  const bytes = PROFILES.get(name);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--profile must be ${[...PROFILES.keys()].join(', ')}, not "${name}"`);
}

function wholeNumber(option: string, value: string, min: number, max: number): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${option} must be a whole number from ${min} to ${max}, not "${value}"`);
}

async function readTls(files: TlsFiles): Promise<EmulatorTls | undefined> {
  try {
    return await readTlsFiles(files);
  } catch (error) {
    throw new UsageError(`--cert, --key, --ca: ${messageOf(error)}`);
  }
}

function readRules(file: string): Rules {
  return readOption('--rules', file, Rules.parse);
}

function readLoad(file: string): LoadedKey[] {
  return readOption('--load', file, readLoadedKeys);
}

function readOption<Content>(option: string, file: string, parse: (text: string) => Content): Content {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UsageError(
      `${option} ${file}: ${codeOf(error) === 'ENOENT' ? 'file not found' : messageOf(error)}`,
    );
  }
}

function explain(error: NodeJS.ErrnoException, { port, host }: { port: number; host: string }): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use by another program: choose another one with --port`;
    case 'EACCES':
      return `permission denied for port ${port}: choose one from 1024 with --port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `this computer does not have the address ${host}: choose another one with --host`;
    default:
      return error.message;
  }
}

async function main(): Promise<void> {
  const { help, version: printVersion, emulator: options } = await readArguments();
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  if (printVersion) {
    const { version } = require('../../../package.json') as { version: string };
    process.stdout.write(`${version}\n`);
    return;
  }
  const emulator = await Emulator.start(options).catch((error: NodeJS.ErrnoException) => {
    throw new Error(explain(error, options));
  });
  const how = options.tls ? ' with TLS' : '';
  console.log(`State store emulator listening on ${options.host}:${emulator.port}${how} (Ctrl-C to stop)`);
  if (emulator.file) reportFile(emulator.file);
  emulator.on('fault', fail);
  if (options.rules?.grantsNoKey)
    console.error('statestore-emulator: the rules grant access to no key, so every request is refused');
  const stop = () => void emulator.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function reportFile({ path, keys, damage }: EmulatorFile): void {
  console.log(`${keys} ${keys === 1 ? 'key' : 'keys'} from ${path}`);
  if (damage)
    console.error(
      `statestore-emulator: ${path} was damaged: ${damage.bytes} bytes could not be read. The damaged file is kept as ${damage.keptAs}`,
    );
}

function fail(error: Error): void {
  console.error(`statestore-emulator: ${error.message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

main().catch(fail);
