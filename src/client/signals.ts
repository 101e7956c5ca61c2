import type { Pending } from './pending';

interface Listening {
  readonly pending: Set<Pending>;
  readonly listener: () => void;
}

/**
 * The signals of requests, with one listener for each, however many requests share it: an `AbortSignal` goes through all its listeners
 * before it takes another one, and each one that was removed keeps those that came after it in memory.
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
    if (!signal) return;
    const known = this.#signals.get(signal);
    if (known) {
      known.pending.add(pending);
      return;
    }
    const listener = () => this.#abort(signal);
    this.#signals.set(signal, { pending: new Set([pending]), listener });
    signal.addEventListener('abort', listener);
  }

  /** The request has its outcome. */
  remove(pending: Pending): void {
    const { signal } = pending.request;
    if (!signal) return;
    const known = this.#signals.get(signal);
    if (!known?.pending.delete(pending) || known.pending.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', known.listener);
  }

  #abort(signal: AbortSignal): void {
    const all = [...(this.#signals.get(signal)?.pending ?? [])];
    // Otherwise the place of an aborted request would go to the next one that is about to be aborted.
    for (const pending of all) if (pending.phase === 'waiting') this.#onAbort(pending, signal);
    for (const pending of all) if (!pending.isOver) this.#onAbort(pending, signal);
  }
}
