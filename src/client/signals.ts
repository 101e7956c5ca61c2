import type { Pending } from './pending';

interface Listening {
  readonly pending: Set<Pending>;
  readonly listener: () => void;
  /** Whether it outlasts its requests. */
  kept: boolean;
}

/**
 * The signals of requests, with one listener for each signal, even if many requests share it. An `AbortSignal` goes through all its listeners
 * before it adds another one, and each removed listener keeps later ones in memory.
 */
export class Signals {
  readonly #onAbort: (pending: Pending, signal: AbortSignal) => void;
  readonly #signals = new Map<AbortSignal, Listening>();

  /** Calls `onAbort` for every request whose signal is aborted. */
  constructor(onAbort: (pending: Pending, signal: AbortSignal) => void) {
    this.#onAbort = onAbort;
  }

  /** Does nothing for a request without a signal. */
  add(pending: Pending): void {
    const { signal } = pending.request;
    if (signal) (this.#signals.get(signal) ?? this.#listen(signal)).pending.add(pending);
  }

  /**
   * Keeps the listener of a signal between requests: one that has a request now and then would get and lose it with each of them. Returns
   * the function that ends this.
   */
  keep(signal: AbortSignal): () => void {
    const listening = this.#signals.get(signal) ?? this.#listen(signal);
    listening.kept = true;
    return () => {
      listening.kept = false;
      if (listening.pending.size === 0) this.#unlisten(signal, listening);
    };
  }

  /** The request has its outcome. */
  remove(pending: Pending): void {
    const { signal } = pending.request;
    if (!signal) return;
    const known = this.#signals.get(signal);
    if (known?.pending.delete(pending) && known.pending.size === 0 && !known.kept)
      this.#unlisten(signal, known);
  }

  #listen(signal: AbortSignal): Listening {
    const listening = { pending: new Set<Pending>(), listener: () => this.#abort(signal), kept: false };
    this.#signals.set(signal, listening);
    signal.addEventListener('abort', listening.listener);
    return listening;
  }

  #unlisten(signal: AbortSignal, { listener }: Listening): void {
    this.#signals.delete(signal);
    signal.removeEventListener('abort', listener);
  }

  #abort(signal: AbortSignal): void {
    const all = [...(this.#signals.get(signal)?.pending ?? [])];
    // Otherwise the place of an aborted request would go to the next one that is about to be aborted.
    for (const pending of all) if (pending.phase === 'waiting') this.#onAbort(pending, signal);
    for (const pending of all) if (!pending.isOver) this.#onAbort(pending, signal);
  }
}
