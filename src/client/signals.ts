import type { Pending, PendingOfSignal } from './pending';

interface Listening extends PendingOfSignal {
  readonly listener: () => void;
  /** Whether it outlasts its requests. There is no list of them then. */
  kept: boolean;
}

/**
 * The signals of requests, with one listener for each signal, even if many requests share it. An `AbortSignal` goes through all its listeners
 * before it adds another one, and each removed listener keeps later ones in memory.
 *
 * The requests of a signal are a list, which costs less than a `Set`. A `Set` gets a new table now and then, to which the table before it points. So old
 * tables would keep new requests and their values in memory until a full garbage collection.
 */
export class Signals {
  readonly #onAbort: (pending: Pending, signal: AbortSignal) => void;
  readonly #all: () => readonly Pending[];
  readonly #signals = new Map<AbortSignal, Listening>();

  /** Calls `onAbort` for every request whose signal is aborted. `all`: all requests that are not over. */
  constructor(onAbort: (pending: Pending, signal: AbortSignal) => void, all: () => readonly Pending[]) {
    this.#onAbort = onAbort;
    this.#all = all;
  }

  /** Does nothing for a request without a signal. */
  add(pending: Pending): void {
    const { signal } = pending.request;
    if (!signal) return;
    const listening = this.#signals.get(signal) ?? this.#listen(signal);
    if (listening.kept) return;
    pending.ofSignal = listening;
    pending.earlierOfSignal = listening.last;
    if (listening.last) listening.last.laterOfSignal = pending;
    else listening.first = pending;
    listening.last = pending;
  }

  /**
   * Keeps the listener of a signal between requests: one that has a request now and then would get and lose it with each of them. There is no list of
   * its requests, because with hundreds of such signals the lists are more than the processor's caches hold. Returns the function that ends this, to be
   * called when no request has the signal any more. An abort goes through all requests of the client.
   */
  keep(signal: AbortSignal): () => void {
    const listening = this.#signals.get(signal) ?? this.#listen(signal);
    listening.kept = true;
    return () => {
      listening.kept = false;
      if (!listening.first) this.#unlisten(signal, listening);
    };
  }

  /** The request has its outcome. */
  remove(pending: Pending): void {
    const { ofSignal, earlierOfSignal: earlier, laterOfSignal: later } = pending;
    if (!ofSignal) return;
    if (earlier) earlier.laterOfSignal = later;
    else ofSignal.first = later;
    if (later) later.earlierOfSignal = earlier;
    else ofSignal.last = earlier;
    pending.ofSignal = pending.earlierOfSignal = pending.laterOfSignal = undefined;
    if (!ofSignal.first) this.#onEmpty(pending.request.signal);
  }

  #onEmpty(signal: AbortSignal | undefined): void {
    const listening = signal && this.#signals.get(signal);
    if (listening && !listening.kept) this.#unlisten(signal, listening);
  }

  #listen(signal: AbortSignal): Listening {
    const listening: Listening = {
      ...{ first: undefined, last: undefined, kept: false },
      listener: () => this.#abort(signal),
    };
    this.#signals.set(signal, listening);
    signal.addEventListener('abort', listening.listener);
    return listening;
  }

  #unlisten(signal: AbortSignal, { listener }: Listening): void {
    this.#signals.delete(signal);
    signal.removeEventListener('abort', listener);
  }

  #abort(signal: AbortSignal): void {
    const all = this.#requestsOf(signal);
    // Otherwise the place of an aborted request would go to the next one that is about to be aborted.
    for (const pending of all) if (pending.phase === 'waiting') this.#onAbort(pending, signal);
    for (const pending of all) if (!pending.isOver) this.#onAbort(pending, signal);
  }

  #requestsOf(signal: AbortSignal): Pending[] {
    const listening = this.#signals.get(signal);
    if (listening?.kept) return this.#all().filter(({ request }) => request.signal === signal);
    const list: Pending[] = [];
    for (let one = listening?.first; one; one = one.laterOfSignal) list.push(one);
    return list;
  }
}
