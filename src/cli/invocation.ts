/** From the words of a command line to a command and its arguments. */
import { parseArgs } from 'node:util';
import { codeOf, messageOf } from '../errors';
import { Arguments } from './arguments';
import type { Command, Work } from './command';
import { HELP, helpOf } from './help';
import { COMMON, PLACE, sessionOptions } from './place';
import { COMMANDS, findCommand, ownOptions } from './registry';
import type { SessionOptions } from './session';
import { UsageError } from './usage-error';

export type Invocation =
  | { kind: 'help'; text: string }
  | { kind: 'version' }
  | { kind: 'command'; work: Work; session: SessionOptions };

const HELP_OPTIONS = { help: { type: 'boolean' }, version: { type: 'boolean' } } as const;

/** Throws a {@link UsageError}, or `BAD_ARGUMENT` that names the variables of the environment that are wrong. */
export function parseInvocation(words: readonly string[], env: NodeJS.ProcessEnv): Invocation {
  const { values, positionals } = parse(words);
  const found = findCommand(positionals);
  if (values.has('help')) return { kind: 'help', text: found ? helpOf(found.command) : HELP };
  if (values.has('version')) return { kind: 'version' };
  const { command, args } = commandOf(positionals, values);
  const work = command.prepare(args);
  return { kind: 'command', work, session: sessionOptions(args, env) };
}

/** The command and its arguments, which the command itself has not checked yet. Throws a {@link UsageError}. */
export function parseCommandLine(words: readonly string[]): { command: Command; args: Arguments } {
  const { values, positionals } = parse(words);
  return commandOf(positionals, values);
}

type Values = ReadonlyMap<string, string | boolean>;

function commandOf(positionals: readonly string[], values: Values) {
  const found = findCommand(positionals);
  if (!found) {
    const [first] = positionals;
    const fault = first === undefined ? 'missing command' : `unknown command "${first}"`;
    const names = COMMANDS.map(({ name }) => name).join(', ');
    throw new UsageError(`${fault}: use ${names} (see --help)`);
  }
  const { command, rest } = found;
  for (const [id, { commands }] of ownOptions()) {
    if (!values.has(id) || commands.includes(command.name)) continue;
    throw new UsageError(`--${id} is for ${commands.join(' and ')}, not for ${command.name}`);
  }
  return { command, args: new Arguments(command.name, rest, values) };
}

function parse(words: readonly string[]): { values: Values; positionals: readonly string[] } {
  const own = Object.fromEntries([...ownOptions()].map(([id, { option }]) => [id, option]));
  const all = Object.entries({ ...own, ...COMMON, ...PLACE, ...HELP_OPTIONS });
  const options = Object.fromEntries(all.map(([id, { type }]) => [id, { type }]));
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true });
    const given = new Map<string, string | boolean>();
    for (const [id, value] of Object.entries(values))
      if (typeof value === 'string' || typeof value === 'boolean') given.set(id, value);
    return { values: given, positionals };
  } catch (error) {
    if (words.some((one) => /^--password(=|$)/.test(one))) {
      throw new UsageError(
        '--password is not supported, because other users of the computer could see it: use --password-file or the variable STATESTORE_PASSWORD',
      );
    }
    throw new UsageError(usageWords(error));
  }
}

function usageWords(error: unknown): string {
  const message = messageOf(error);
  if (codeOf(error) !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.replace(/\s+/g, ' ');
  const option = /'(.+?)'/.exec(message)?.[1];
  return `unknown option ${option} (see --help). Put a KEY or VALUE that begins with "-" after "--"`;
}
