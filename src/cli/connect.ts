import type { StateStoreClient } from '../client/state-store-client';

/**
 * Connects within `timeout` milliseconds. A person or a script waits for this command, so a failure that will not pass within
 * seconds ends the attempt immediately. Nothing was sent then, so a script may try again.
 */
export async function connect(store: StateStoreClient, timeout: number, signal?: AbortSignal): Promise<void> {
  const abort = new AbortController();
  const giveUp = () => abort.abort(signal?.reason);
  const watch = (state: StateStoreClient['state']) => {
    if (state.kind !== 'disconnected') return;
    const { retry, stage } = state.reason;
    if (retry !== 'soon' || stage === 'network') abort.abort(state.reason);
  };
  store.on('state', watch);
  signal?.addEventListener('abort', giveUp);
  try {
    await store.connect({ timeout, signal: abort.signal });
  } finally {
    store.off('state', watch);
    signal?.removeEventListener('abort', giveUp);
  }
}
