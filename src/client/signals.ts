interface Listening {
  /** How many requests heed the signal. */
  requests: number;
  readonly listener: () => void;
}

/**
 * The signals that give requests up, with one listener for each, however many requests heed it: an `AbortSignal` goes through all its
 * listeners before it takes another one, and each one that was taken away keeps those that came after it in memory.
 */
export class Signals {
  readonly #onAbort: (signal: AbortSignal) => void;
  readonly #signals = new Map<AbortSignal, Listening>();

  /** Calls `onAbort` when a signal that is heeded is aborted. */
  constructor(onAbort: (signal: AbortSignal) => void) {
    this.#onAbort = onAbort;
  }

  /** One more request heeds the signal. */
  add(signal: AbortSignal): void {
    const known = this.#signals.get(signal);
    if (known) {
      known.requests++;
      return;
    }
    const listener = () => this.#onAbort(signal);
    this.#signals.set(signal, { requests: 1, listener });
    signal.addEventListener('abort', listener);
  }

  /** One that heeded it is settled. */
  remove(signal: AbortSignal): void {
    const known = this.#signals.get(signal);
    if (!known || --known.requests > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener('abort', known.listener);
  }
}
