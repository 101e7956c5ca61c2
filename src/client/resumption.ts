import type { Pending } from './pending';

/**
 * What is sent again after a reconnect into the same session, and when.
 *
 * A request that was not acknowledged on the lost connection may have been executed all the same, and a write must not be executed
 * twice. The responses to what was executed are in the session that the broker kept, before the response to anything that is
 * sent now: it delivers the messages of a topic in their order (MQTT 5 section 4.6). So a read of our own is a barrier: a
 * write without a response by then never arrived.
 *
 * The steps are `idle`, `barrier` (nothing else is sent), `sending` (what never arrived goes first).
 */
export class Resumption {
  #step: 'idle' | 'barrier' | 'sending' = 'idle';
  /** What is still to be sent again, in its order. */
  readonly #left = new Set<Pending>();
  /** How many of these the barrier decides. */
  #unproven = 0;

  /** Whether nothing new may be sent yet. */
  get isUnderWay(): boolean {
    return this.#step !== 'idle';
  }

  get isAtBarrier(): boolean {
    return this.#step === 'barrier';
  }

  /**
   * A connection of the same session is there. `unacknowledged`: all requests that are to be sent again, in the order of their
   * publishes. Returns the first write that needs a barrier read: its key is one that this client uses.
   */
  begin(unacknowledged: readonly Pending[]): Pending | undefined {
    this.stop();
    let first: Pending | undefined;
    for (const pending of unacknowledged) {
      this.#left.add(pending);
      if (!pending.needsProof) continue;
      first ??= pending;
      this.#unproven++;
    }
    if (first) this.#step = 'barrier';
    else if (this.#left.size > 0) this.#step = 'sending';
    return first;
  }

  /** The barrier was answered: what is left never arrived. */
  prove(): void {
    if (this.#step === 'barrier') this.#send();
  }

  /** The barrier will not be answered. Returns the writes that may have arrived or not; they are not sent again. */
  giveUpProof(): Pending[] {
    if (this.#step !== 'barrier') return [];
    const unknown = [...this.#left].filter(({ needsProof }) => needsProof);
    for (const pending of unknown) this.#left.delete(pending);
    this.#send();
    return unknown;
  }

  /**
   * A request has its outcome, or is sent again, and is not to be sent by {@link next}. Returns whether the barrier has nothing left
   * to decide.
   */
  drop(pending: Pending): boolean {
    if (!this.#left.delete(pending)) return false;
    if (this.#step === 'barrier') {
      if (pending.needsProof && --this.#unproven === 0) {
        this.#send();
        return true;
      }
    } else if (this.#left.size === 0) {
      this.#step = 'idle';
    }
    return false;
  }

  /** The request that is to be sent again next, if any is now. */
  get next(): Pending | undefined {
    if (this.#step !== 'sending') return undefined;
    for (const pending of this.#left) return pending;
    return undefined;
  }

  /** The connection is lost, or the session. */
  stop(): void {
    this.#left.clear();
    this.#unproven = 0;
    this.#step = 'idle';
  }

  #send(): void {
    this.#unproven = 0;
    this.#step = this.#left.size > 0 ? 'sending' : 'idle';
  }
}
