/** The texts that `--help` prints, made from the registry of commands. */
import type { Option, Options } from './arguments';
import type { Command } from './command';
import { COMMON, PLACE } from './place';
import { COMMANDS, ownOptions } from './registry';

/** Columns of a terminal line. */
const WIDTH = 118;
/** Column at which the explanation of an option begins. */
const INDENT = 27;
/** Column at which the remark on a form begins. */
const REMARK = 50;

const EXIT_CODES = `Exit codes
  0  done
  1  the key does not exist, no key matches, or the condition does not hold: nothing was changed;
     for check, something is not as documented
  2  wrong usage, or a file that an option names cannot be used: nothing was changed
  3  the store could not be reached, or gave no usable answer to a reading: nothing was changed
  4  the broker or the store refused: nothing was changed
  5  a write that may or may not have been applied: get the key to find out
  6  something else, such as a full disk behind stdout
`;

/** The text of `statestore --help`. */
export const HELP = `${COMMANDS.flatMap(usageLines)
  .map((line, i) => `${i === 0 ? 'Usage: ' : '       '}${line}`)
  .join('\n')}

Reads, writes and observes keys of the Azure IoT Operations state store. "statestore get --help" prints the help for one
command.

Results
${optionLines(COMMON)}
${[...ownOptions()].map(([id, { option, commands }]) => optionLine(id, option, `${commands.join(', ')}: `)).join('\n')}

Where the store is
${optionLines(PLACE)}

  --help                   print this text
  --version                print the version

Put a KEY or VALUE that begins with "-" after "--": statestore set --host broker -- temperature -5

${EXIT_CODES}`;

/** The text of `statestore NAME --help`. */
export function helpOf(command: Command): string {
  const usage = usageLines(command).map((line, i) => `${i === 0 ? 'Usage: ' : '       '}${line}`);
  const own = Object.keys(command.options).length > 0 ? `${optionLines(command.options)}\n` : '';
  return `${usage.join('\n')}

${wrap(command.help, WIDTH).join('\n')}

${own}${optionLines(COMMON)}

"statestore --help" lists the options for the connection, and the exit codes.
`;
}

function usageLines({ name, usage }: Command): string[] {
  return usage.map(([form, remark]) => {
    const line = `statestore ${name} ${form}${form === '' ? '' : ' '}[options]`;
    return remark === undefined ? line : `${line.padEnd(REMARK)} ${remark}`;
  });
}

function optionLines(options: Options): string {
  return Object.entries(options)
    .map(([id, option]) => optionLine(id, option))
    .join('\n');
}

function optionLine(id: string, { value, help }: Option, begin = ''): string {
  const label = `  --${id}${value === undefined ? '' : ` ${value}`}`;
  const [first, ...more] = wrap(`${begin}${help}`, WIDTH - INDENT);
  const lines = [`${label.padEnd(INDENT - 1)} ${first}`, ...more.map((line) => ' '.repeat(INDENT) + line)];
  return lines.join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
