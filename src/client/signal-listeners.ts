interface Listening {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

/**
 * Callbacks for aborted signals. Each signal has one listener, however many callbacks there are: an application may use one signal for
 * everything, and Node.js warns of many listeners.
 */
export class SignalListeners {
  readonly #signals = new Map<AbortSignal, Listening>();

  /** Calls back once when the signal is aborted. Returns how to take the callback off again. */
  add(signal: AbortSignal, callback: () => void): () => void {
    const listening = this.#signals.get(signal) ?? this.#listen(signal);
    listening.callbacks.add(callback);
    return () => {
      listening.callbacks.delete(callback);
      if (listening.callbacks.size === 0) this.#unlisten(signal, listening);
    };
  }

  #listen(signal: AbortSignal): Listening {
    const listening: Listening = {
      callbacks: new Set(),
      listener: () => {
        this.#unlisten(signal, listening);
        for (const callback of listening.callbacks) callback();
      },
    };
    this.#signals.set(signal, listening);
    signal.addEventListener('abort', listening.listener);
    return listening;
  }

  #unlisten(signal: AbortSignal, listening: Listening): void {
    if (this.#signals.get(signal) === listening) this.#signals.delete(signal);
    signal.removeEventListener('abort', listening.listener);
  }
}
