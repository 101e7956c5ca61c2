/** For how long, and for how many of its own waiters, a process keeps a lock that other clients may want: without I/O. */

const TURN = { ms: 50, handOvers: 16 };
/** So many turns in which the lock was not released at each hand-over end with a pause for clients that do not announce themselves. */
const TURNS_UNTIL_PAUSE = 4;
/** A process that released the lock for so long has ended its turn, in milliseconds. */
const IDLE_MS = 50;

export class ProcessTurn {
  /** On the monotonic clock, in milliseconds. */
  #began = Number.NEGATIVE_INFINITY;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #handOvers = 0;
  /** Whether the lock passed from one waiter to another without a release. */
  #kept = false;
  #pauseIsDue = false;
  /** Turns that ended without another client that waits. */
  #count = 0;

  /** Whether the process held the lock a moment ago. If not, its next turn begins. */
  goesOn(): boolean {
    if (performance.now() - this.#releasedAt <= IDLE_MS) return true;
    this.#begin();
    this.#count = 0;
    this.#pauseIsDue = false;
    return false;
  }

  /** A waiter of this process gets the lock. `kept`: without a release by the waiter before it. */
  handOver(kept: boolean): void {
    this.#handOvers++;
    this.#kept ||= kept;
  }

  released(): void {
    this.#releasedAt = performance.now();
  }

  /** A lock that is released after each hold costs no other client its turn, so only the time counts. */
  get isOver(): boolean {
    return (this.#kept && this.#handOvers >= TURN.handOvers) || performance.now() - this.#began > TURN.ms;
  }

  /**
   * No client is known to wait, so the next turn begins at once. Returns whether the lock is to be released nevertheless, with a pause after that.
   * Where each hold is released anyway, the next request of this process has no advance over that of another client.
   */
  renew(): boolean {
    if (this.#kept) this.#count++;
    this.#begin();
    if (this.#count < TURNS_UNTIL_PAUSE) return false;
    this.#count = 0;
    this.#pauseIsDue = true;
    return true;
  }

  /** Whether a pause is due, once. */
  takePause(): boolean {
    const due = this.#pauseIsDue;
    this.#pauseIsDue = false;
    return due;
  }

  #begin(): void {
    this.#began = performance.now();
    this.#handOvers = 0;
    this.#kept = false;
  }
}
