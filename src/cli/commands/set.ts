import type { SetOptions } from '../../client/options';
import { printableKey } from '../../errors';
import type { Arguments } from '../arguments';
import type { Command } from '../command';
import { EXIT, type ExitCode } from '../exit-code';
import { type Input, type RecordFile, readInput } from '../input';
import { jsonLine, show } from '../results';
import type { Session } from '../session';
import { printMessage } from '../streams';
import { UsageError } from '../usage-error';
import { FENCING_TOKEN, PERSIST, readCondition, readFencingToken } from '../write-options';

export interface SetCall {
  key: Buffer;
  json: boolean;
  input: Input;
  options: SetOptions;
}

export const set: Command = {
  name: 'set',
  usage: [
    ['KEY [VALUE]', 'without VALUE: the bytes of stdin'],
    ['KEY --ndjson FILE', 'reference data for data flows'],
    ['KEY --csv FILE', 'the same from a table with a header row'],
  ],
  help: 'Stores VALUE, the bytes of stdin, or the records of a file as NDJSON, one JSON object per line. All records are checked before anything is written.',
  options: {
    condition: {
      type: 'string',
      value: 'NX|NEX',
      help: 'only if the key is new (NX), or new or of this very value already (NEX)',
    },
    expiry: { type: 'string', value: 'SECONDS', help: 'the store deletes the key after this time' },
    ndjson: {
      type: 'string',
      value: 'FILE',
      help: 'store the records of this file, one JSON object per line',
    },
    csv: {
      type: 'string',
      value: 'FILE',
      help: 'store the rows of this table as records. The first row has the names',
    },
    ...PERSIST,
    ...FENCING_TOKEN,
  },
  prepare(args) {
    const call = readSet(args);
    return (session) => run(session, call);
  },
};

export function readSet(args: Arguments): SetCall {
  const key = args.required(0, 'KEY');
  args.atMost(2);
  const expiry = args.milliseconds('expiry');
  return {
    key,
    json: args.flag('json'),
    input: recordFile(args) ?? args.bytes(1, 'VALUE') ?? 'stdin',
    options: {
      ...readFencingToken(args),
      ...readCondition(args),
      ...(expiry !== undefined && { expiry }),
      ...(args.flag('persist') && { persist: true }),
    },
  };
}

function recordFile(args: Arguments): RecordFile | undefined {
  args.notBoth('ndjson', 'csv');
  const format = args.has('csv') ? 'csv' : 'ndjson';
  const path = args.text(format);
  if (path === undefined) return undefined;
  if (args.count > 1) throw new UsageError(`--${format} replaces VALUE: give one of them`);
  return { format, path };
}

async function run(session: Session, { key, json, input, options }: SetCall): Promise<ExitCode> {
  const value = await readInput(input);
  const store = await session.connect();
  const result = await store.set(key, value, { ...options, timeout: session.left });
  const why = options.condition === 'NX' ? 'is there already' : 'has another value';
  if (json) await show(jsonLine({ operation: 'set', key, ...result }));
  else if (!result.stored) printMessage(`not stored: key ${printableKey(key)} ${why}`);
  return result.stored ? EXIT.done : EXIT.notSo;
}
