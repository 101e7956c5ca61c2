/** The shape of one command. Each command is one file in `commands/`. */
import type { Arguments, Options } from './arguments';
import type { ExitCode } from './exit-code';
import type { Session } from './session';

/** Executes a command whose arguments were checked. */
export type Work = (session: Session) => Promise<ExitCode>;

export interface Command {
  /** As a person types it: `get`, or `flows list`. */
  readonly name: string;
  /** Its forms for the help: the arguments after the name, and a remark. */
  readonly usage: readonly (readonly [form: string, remark?: string])[];
  /** Paragraph for `statestore NAME --help`. */
  readonly help: string;
  /** Options that not every command has. */
  readonly options: Options;
  /** Checks the arguments. Throws a `UsageError`. */
  prepare(args: Arguments): Work;
}
