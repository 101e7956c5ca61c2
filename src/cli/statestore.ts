#!/usr/bin/env node
/** The command `statestore`: docs/command.md. */
import { messageOf } from '../errors';
import { adviceFor } from './advice';
import type { Work } from './command';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code';
import { parseInvocation } from './invocation';
import { Session, type SessionOptions } from './session';
import { printMessage, StreamError, writeStdout } from './streams';

async function main(): Promise<ExitCode> {
  const asked = parseInvocation(process.argv.slice(2), process.env);
  switch (asked.kind) {
    case 'help':
      await writeStdout(asked.text);
      return EXIT.done;
    case 'version': {
      const { version } = require('../../../package.json') as { version: string };
      await writeStdout(`${version}\n`);
      return EXIT.done;
    }
    case 'command':
      return execute(asked.work, asked.session);
  }
}

async function execute(work: Work, options: SessionOptions): Promise<ExitCode> {
  const session = new Session(options);
  try {
    return await work(session);
  } catch (error) {
    return report(error, options.fromEnvironment);
  } finally {
    await session.close();
  }
}

function report(error: unknown, fromEnvironment: boolean): ExitCode {
  if (error instanceof StreamError && error.code === 'EPIPE') return EXIT.done;
  printMessage(messageOf(error) + adviceFor(error, fromEnvironment));
  return exitCodeOf(error);
}

// The callback of each write has the error, too.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
main()
  .catch((error: unknown) => report(error, false))
  .then((code) => {
    process.exitCode = code;
  });
