/** All commands, in the order of the help. */
import type { Options } from './arguments';
import type { Command } from './command';
import { checkStore } from './commands/check';
import { del } from './commands/delete';
import { exportKeys } from './commands/export';
import { flowsList } from './commands/flows-list';
import { flowsRestore } from './commands/flows-restore';
import { flowsSave } from './commands/flows-save';
import { get } from './commands/get';
import { importKeys } from './commands/import';
import { keys } from './commands/keys';
import { observe } from './commands/observe';
import { set } from './commands/set';

export const COMMANDS: readonly Command[] = [
  get,
  set,
  del,
  observe,
  keys,
  exportKeys,
  importKeys,
  flowsList,
  flowsRestore,
  flowsSave,
  checkStore,
];

/** The options of all commands that not every command has, and the commands that have them. */
export function ownOptions(): Map<string, { option: Options[string]; commands: string[] }> {
  const found = new Map<string, { option: Options[string]; commands: string[] }>();
  for (const { name, options } of COMMANDS) {
    for (const [id, option] of Object.entries(options)) {
      const known = found.get(id);
      if (known) known.commands.push(name);
      else found.set(id, { option, commands: [name] });
    }
  }
  return found;
}

/** The command that the first arguments name, and the arguments after its name. */
export function findCommand(
  positionals: readonly string[],
): { command: Command; rest: readonly string[] } | undefined {
  for (const command of COMMANDS) {
    const words = command.name.split(' ');
    if (words.every((word, i) => positionals[i] === word))
      return { command, rest: positionals.slice(words.length) };
  }
  return undefined;
}
