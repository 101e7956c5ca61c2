import { randomBytes } from 'node:crypto';
import { check, passes, type Row } from '../check/check';
import type { Result } from '../check/outcome';
import { POINTS } from '../check/points';
import type { Command } from '../command';
import { EXIT, type ExitCode } from '../exit-code';
import { printableJson, printableText } from '../printable';
import { show } from '../results';
import type { Session } from '../session';
import { UsageError } from '../usage-error';

/** The words of the table. */
const WORDS: Record<Result, string> = {
  supported: 'supported',
  refused: 'refused by a rule',
  differs: 'differs from the documentation',
  failed: 'failed',
  'not served': 'not served by this broker',
  'not checked': 'not checked',
};

export const checkStore: Command = {
  name: 'check',
  usage: [['', 'tries the whole protocol']],
  help: 'Tries each operation of the protocol with keys of its own, deletes these keys, and prints a table. The exit code is 0 if everything is as documented, otherwise 1. Attach the table to an issue. It contains the address of the broker, but neither passwords nor tokens.',
  options: {
    scratch: {
      type: 'string',
      value: 'PREFIX',
      help: 'begins the keys of the check (default statestore-check/ with random characters)',
    },
  },
  prepare(args) {
    args.atMost(0);
    const prefix = args.text('scratch') ?? `statestore-check/${randomBytes(6).toString('hex')}/`;
    if (!/^[\w./:-]+$/.test(prefix))
      throw new UsageError('--scratch must consist of letters, digits and _ . / : -');
    const json = args.flag('json');
    return (session) => run(session, prefix, json);
  },
};

async function run(session: Session, prefix: string, json: boolean): Promise<ExitCode> {
  const rows = await check(session.store, () => session.connect(), prefix, POINTS);
  await show(json ? jsonLines(rows) : table(rows));
  return passes(rows) ? EXIT.done : EXIT.notSo;
}

function jsonLines(rows: readonly Row[]): string {
  return rows.map((row) => `${printableJson(JSON.stringify(row))}\n`).join('');
}

function table(rows: readonly Row[]): string {
  const widest = (cells: string[]) => Math.max(...cells.map(({ length }) => length));
  const title = widest(rows.map((row) => row.title));
  const result = widest(rows.map((row) => WORDS[row.result]));
  return rows
    .map((row) => {
      const detail = printableText(row.detail).replace(/\s+/g, ' ');
      return `${row.title.padEnd(title)}  ${WORDS[row.result].padEnd(result)}  ${detail}`.trimEnd();
    })
    .map((line) => `${line}\n`)
    .join('');
}
