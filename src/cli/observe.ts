import type { Change } from '../client/observations';
import type { StateStoreClient } from '../client/state-store-client';
import { printableKey } from '../protocol/errors';
import { adviceFor } from './advice';
import { connect } from './connect';
import type { Call } from './invocation';
import { jsonLine } from './results';
import { tell, writeStdout } from './streams';

/**
 * Writes a line for every change, until SIGINT or SIGTERM. Rejects when the key cannot be observed, or not any more; a lost
 * connection comes back by itself, and what changed meanwhile is told then.
 */
export async function observe(
  store: StateStoreClient,
  { key, json, current, timeout, fromEnvironment }: Extract<Call, { command: 'observe' }>,
): Promise<void> {
  const end = new AbortController();
  const { signal } = end;
  process.once('SIGINT', () => end.abort());
  process.once('SIGTERM', () => end.abort());
  let failure: unknown;
  const fail = (error: unknown) => {
    failure = error;
    end.abort();
  };
  store.on('observationLost', (_key, error) => fail(error));
  try {
    await connect(store, timeout, signal);
    store.on('state', (state) => state.kind === 'stopped' && fail(state.reason));
    tellLosses(store, fromEnvironment);
    const observation = await store.observe(key, undefined, { current, signal });
    tell(`observing key ${printableKey(key)} (Ctrl-C ends it)`);
    for await (const change of observation) await writeStdout(json ? jsonLine(change) : plainLine(change));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (failure !== undefined) throw failure;
}

/** That nothing comes for now is worth a line. */
function tellLosses(store: StateStoreClient, fromEnvironment: boolean): void {
  let told: string | undefined;
  store.on('state', (state) => {
    if (state.kind === 'disconnected' && state.reason.message !== told) {
      told = state.reason.message;
      tell(told + adviceFor(state.reason, fromEnvironment));
    }
    if (state.kind === 'connected' && told !== undefined) {
      told = undefined;
      tell('connected again');
    }
  });
}

function plainLine(change: Change): Buffer {
  const words = change.operation === 'set' ? ['set ', change.value, '\n'] : ['delete\n'];
  return Buffer.concat(words.map((word) => Buffer.from(word)));
}
