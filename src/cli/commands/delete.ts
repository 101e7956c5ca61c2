import type { WriteOptions } from '../../client/options';
import { printableKey, type StateStoreError } from '../../errors';
import { type Arguments, type Options, utf8 } from '../arguments';
import type { Command } from '../command';
import { EXIT, type ExitCode } from '../exit-code';
import { type Input, readInput } from '../input';
import { keysOf, PATTERN } from '../many-keys';
import { jsonLine, show } from '../results';
import type { Session } from '../session';
import { askYesNo, printMessage } from '../streams';
import { UsageError } from '../usage-error';
import { FENCING_TOKEN, readFencingToken } from '../write-options';

export interface DeleteCall {
  key: Buffer;
  json: boolean;
  /** The value to compare with. */
  input?: Input;
  options: WriteOptions;
}

interface DeleteManyCall {
  pattern: Buffer;
  json: boolean;
  /** Whether a person is asked. */
  ask: boolean;
  options: WriteOptions;
}

export const YES: Options = {
  yes: { type: 'boolean', help: 'do not ask' },
};

export const del: Command = {
  name: 'delete',
  usage: [['KEY'], ['--pattern PATTERN', 'asks first']],
  help: 'Deletes a key, or all keys that match a pattern. With --pattern it asks before it deletes anything, and needs --yes if stdin is not a terminal.',
  options: {
    'if-value': { type: 'string', value: 'VALUE', help: 'only if this is the value' },
    'if-stdin': { type: 'boolean', help: 'only if the bytes of stdin are the value' },
    ...FENCING_TOKEN,
    ...PATTERN,
    ...YES,
  },
  prepare(args) {
    const pattern = args.pattern();
    if (pattern) {
      const call = readDeleteMany(args, pattern);
      return (session) => runMany(session, call);
    }
    const call = readDelete(args);
    return (session) => run(session, call);
  },
};

export function readDelete(args: Arguments): DeleteCall {
  const key = args.required(0, 'KEY');
  args.atMost(1);
  args.notBoth('if-value', 'if-stdin');
  const value = args.text('if-value');
  const input = args.flag('if-stdin') ? 'stdin' : value === undefined ? undefined : utf8('--if-value', value);
  return {
    key,
    json: args.flag('json'),
    ...(input !== undefined && { input }),
    options: readFencingToken(args),
  };
}

async function run(session: Session, { key, json, input, options }: DeleteCall): Promise<ExitCode> {
  const value = input === undefined ? undefined : await readInput(input);
  const store = await session.connect();
  const how = { ...options, timeout: session.left };
  const result =
    value === undefined ? await store.delete(key, how) : await store.deleteIfValue(key, value, how);
  const name = printableKey(key);
  if (json) await show(jsonLine({ operation: 'delete', key, ...result }));
  else if (!result.found) printMessage(`key ${name} does not exist`);
  else if (!result.deleted) printMessage(`not deleted: key ${name} has another value`);
  return result.deleted ? EXIT.done : EXIT.notSo;
}

function readDeleteMany(args: Arguments, pattern: Buffer): DeleteManyCall {
  if (args.has('if-value') || args.has('if-stdin'))
    throw new UsageError('--pattern cannot be combined with --if-value or --if-stdin');
  const ask = !args.flag('yes');
  if (ask && !process.stdin.isTTY)
    throw new UsageError('delete --pattern asks first, and stdin is not a terminal: use --yes');
  return { pattern, ask, json: args.flag('json'), options: readFencingToken(args) };
}

async function runMany(session: Session, { pattern, json, ask, options }: DeleteManyCall): Promise<ExitCode> {
  const store = await session.connect();
  const keys: Buffer[] = [];
  for await (const key of store.keys(pattern)) keys.push(key);
  const name = printableKey(pattern);
  if (keys.length === 0) {
    printMessage(`no key matches ${name}`);
    return EXIT.notSo;
  }
  if (ask && !(await askYesNo(`Delete ${keysOf(keys.length)} that match ${name}?`))) {
    printMessage('nothing was deleted');
    return EXIT.notSo;
  }
  let deleted = 0;
  let failure: StateStoreError | undefined;
  const results = await store.deleteMany(keys, options);
  for (const [i, result] of results.entries()) {
    if ('error' in result) {
      failure ??= result.error;
      continue;
    }
    if (result.deleted) deleted++;
    if (json) await show(jsonLine({ ...result, operation: 'delete', key: keys[i] as Buffer }));
  }
  printMessage(`deleted ${keysOf(deleted)}`);
  if (failure) throw failure;
  return EXIT.done;
}
