import type { KeyChange } from '../../client/observation';
import type { StateStoreClient } from '../../client/state-store-client';
import { printableKey } from '../../errors';
import { adviceFor } from '../advice';
import type { Arguments } from '../arguments';
import type { Command } from '../command';
import { EXIT } from '../exit-code';
import { forStdout, jsonLine } from '../results';
import type { Session } from '../session';
import { printMessage, writeStdout } from '../streams';
import { type GetCall, RAW, readGet } from './get';

export interface ObserveCall extends GetCall {
  /** Whether the current value is shown first. */
  current: boolean;
}

export const observe: Command = {
  name: 'observe',
  usage: [['KEY', 'until Ctrl-C']],
  help: 'Writes a line for each change, "set VALUE" or "delete", until Ctrl-C.',
  options: {
    ...RAW,
    current: { type: 'boolean', help: 'print the current value first' },
  },
  prepare(args) {
    const call = readObserve(args);
    return async (session) => {
      await run(session, call);
      return EXIT.done;
    };
  },
};

export function readObserve(args: Arguments): ObserveCall {
  return { ...readGet(args), current: args.flag('current') };
}

/**
 * Writes a line for every change, until SIGINT or SIGTERM, or until a line finds no reader any more. Rejects when the key cannot be
 * observed, or not any more. A lost connection is opened again, and a change made meanwhile is written then.
 */
async function run(session: Session, { key, json, raw, current }: ObserveCall): Promise<void> {
  const { store } = session;
  const end = new AbortController();
  const { signal } = end;
  process.once('SIGINT', () => end.abort());
  process.once('SIGTERM', () => end.abort());
  try {
    await session.connect(signal);
    reportLosses(store, session.options.fromEnvironment);
    const observation = await store.observe(key, { current, signal, timeout: session.left });
    printMessage(`observing key ${printableKey(key)} (Ctrl-C ends it)`);
    for await (const change of observation)
      await writeStdout(json ? jsonLine(change) : plainLine(change, raw));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** A lost connection and the next one are worth a line each. */
function reportLosses(store: StateStoreClient, fromEnvironment: boolean): void {
  let reported: string | undefined;
  store.on('state', (state) => {
    if (state.kind === 'disconnected' && state.reason.message !== reported) {
      reported = state.reason.message;
      printMessage(reported + adviceFor(state.reason, fromEnvironment));
    }
    if (state.kind === 'connected' && reported !== undefined) {
      reported = undefined;
      printMessage('connected again');
    }
  });
}

function plainLine(change: KeyChange, raw: boolean): Buffer {
  const words = change.operation === 'set' ? ['set ', forStdout(change.value, raw), '\n'] : ['delete\n'];
  return Buffer.concat(words.map((word) => Buffer.from(word)));
}
