import { printableKey } from '../../errors';
import type { Arguments, Options } from '../arguments';
import type { Command } from '../command';
import { EXIT, type ExitCode } from '../exit-code';
import { PATTERN, writeEntries } from '../many-keys';
import { forStdout, jsonLine, show } from '../results';
import type { Session } from '../session';
import { printMessage } from '../streams';

export const RAW: Options = {
  raw: {
    type: 'boolean',
    help: 'write bytes to a terminal as they are. Default: control characters as \\x1b',
  },
};

export interface GetCall {
  key: Buffer;
  json: boolean;
  /** Whether bytes go to a terminal as they are. */
  raw: boolean;
}

export const get: Command = {
  name: 'get',
  usage: [['KEY'], ['--pattern PATTERN', 'keys and values as lines of JSON']],
  help: 'Writes the bytes of the value to stdout, and nothing else. With --pattern it writes one line of JSON per key: the key, the value and the version.',
  options: { ...RAW, ...PATTERN },
  prepare(args) {
    const pattern = args.pattern();
    if (pattern) return (session) => runMany(session, pattern);
    const call = readGet(args);
    return (session) => run(session, call);
  },
};

export function readGet(args: Arguments): GetCall {
  const key = args.required(0, 'KEY');
  args.atMost(1);
  return { key, json: args.flag('json'), raw: args.flag('raw') };
}

async function runMany(session: Session, pattern: Buffer): Promise<ExitCode> {
  const count = await writeEntries(await session.connect(), pattern);
  if (count === 0) printMessage(`no key matches ${printableKey(pattern)}`);
  return count > 0 ? EXIT.done : EXIT.notSo;
}

async function run(session: Session, { key, json, raw }: GetCall): Promise<ExitCode> {
  const store = await session.connect();
  const got = await store.get(key, { timeout: session.left });
  if (json) await show(jsonLine({ operation: 'get', key, ...got }));
  else if (got.found) await show(forStdout(got.value, raw));
  else printMessage(`key ${printableKey(key)} does not exist`);
  return got.found ? EXIT.done : EXIT.notSo;
}
