#!/usr/bin/env node
/** The command `statestore`: docs/command.md. */
import { StateStoreClient } from '../client/state-store-client';
import { printableKey } from '../errors';
import { adviceFor } from './advice';
import { connect } from './connect';
import { EXIT, type ExitCode, exitCodeOf } from './exit-code';
import { HELP } from './help';
import { type Call, parseInvocation } from './invocation';
import { observe } from './observe';
import { forStdout, jsonLine } from './results';
import { printMessage, readStdin, StreamError, writeStdout } from './streams';

async function main(): Promise<ExitCode> {
  const asked = parseInvocation(process.argv.slice(2), process.env);
  switch (asked.command) {
    case 'help':
      await writeStdout(HELP);
      return EXIT.done;
    case 'version': {
      const { version } = require('../../../package.json') as { version: string };
      await writeStdout(`${version}\n`);
      return EXIT.done;
    }
    default:
      return call(asked);
  }
}

async function call(asked: Call): Promise<ExitCode> {
  const input = await readInput(asked);
  const store = new StateStoreClient(asked.client);
  try {
    if (asked.command === 'observe') {
      await observe(store, asked);
      return EXIT.done;
    }
    const end = performance.now() + asked.timeout;
    await connect(store, asked.timeout);
    const left = Math.max(1, Math.round(end - performance.now()));
    return await request(store, asked, input, left);
  } catch (error) {
    return report(error, asked.fromEnvironment);
  } finally {
    await store.close();
  }
}

/** The bytes of the value, read before anything else, so that they cost none of the timeout. */
async function readInput({ input }: Call): Promise<Buffer> {
  if (input !== 'stdin') return input ?? Buffer.alloc(0);
  if (process.stdin.isTTY) printMessage('reading the value from the keyboard, until Ctrl-D');
  return readStdin();
}

/** One request and its answer, within `timeout` milliseconds. */
async function request(
  store: StateStoreClient,
  { command, key, json, raw, options, input }: Exclude<Call, { command: 'observe' }>,
  bytes: Buffer,
  timeout: number,
): Promise<ExitCode> {
  const name = printableKey(key);
  switch (command) {
    case 'get': {
      const got = await store.get(key, { timeout });
      if (json) await show(jsonLine({ operation: 'get', key, ...got }));
      else if (got.found) await show(forStdout(got.value, raw));
      else printMessage(`there is no key ${name}`);
      return got.found ? EXIT.done : EXIT.notSo;
    }
    case 'set': {
      const result = await store.set(key, bytes, { ...options, timeout });
      const why = options.condition === 'NX' ? 'is there already' : 'has another value';
      if (json) await show(jsonLine({ operation: 'set', key, ...result }));
      else if (!result.stored) printMessage(`not stored: key ${name} ${why}`);
      return result.stored ? EXIT.done : EXIT.notSo;
    }
    case 'delete': {
      const how = { ...options, timeout };
      const result =
        input === undefined ? await store.delete(key, how) : await store.deleteIfValue(key, bytes, how);
      if (json) await show(jsonLine({ operation: 'delete', key, ...result }));
      else if (!result.found) printMessage(`there is no key ${name}`);
      else if (!result.deleted) printMessage(`not deleted: key ${name} has another value`);
      return result.deleted ? EXIT.done : EXIT.notSo;
    }
  }
}

/** Writes a result. If its reader has ended, the exit code still reports it. */
async function show(result: Buffer | string): Promise<void> {
  try {
    await writeStdout(result);
  } catch (error) {
    if (!(error instanceof StreamError) || error.code !== 'EPIPE') throw error;
  }
}

function report(error: unknown, fromEnvironment: boolean): ExitCode {
  if (error instanceof StreamError && error.code === 'EPIPE') return EXIT.done;
  printMessage((error as Error).message + adviceFor(error, fromEnvironment));
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
