import type { Change } from '../client/observations';
import type { StateStoreClient } from '../client/state-store-client';
import { printableKey, StateStoreError } from '../errors';
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
  const deadline = performance.now() + timeout;
  let late: NodeJS.Timeout | undefined;
  try {
    await connect(store, timeout, signal);
    late = setTimeout(
      () => fail(notObserved(store, key, timeout)),
      Math.max(1, deadline - performance.now()),
    );
    store.on('state', (state) => state.kind === 'stopped' && fail(state.reason));
    tellLosses(store, fromEnvironment);
    const observation = await store.observe(key, undefined, { current, signal });
    clearTimeout(late);
    tell(`observing key ${printableKey(key)} (Ctrl-C ends it)`);
    for await (const change of observation) await writeStdout(json ? jsonLine(change) : plainLine(change));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(late);
  }
  if (failure !== undefined) throw failure;
}

/** The time is over; why there is no connection says more than that. */
function notObserved(store: StateStoreClient, key: Buffer, timeout: number): Error {
  const { state } = store;
  if ('reason' in state && state.reason) return state.reason;
  const name = printableKey(key);
  return new StateStoreError(
    'TIMEOUT',
    `No answer within ${timeout} ms to the request to observe key ${name}. Check the load of the broker and the network, or raise the timeout.`,
    { operation: 'observe', key: name },
  );
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
