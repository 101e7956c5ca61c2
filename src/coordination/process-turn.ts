/** For how long, and for how many of its own waiters, a process keeps a lock that other clients may want: without I/O. */

const TURN = { ms: 50, handOvers: 16 };
/** So many turns in a row end with a pause for clients that do not announce themselves. */
const TURNS_UNTIL_PAUSE = 4;
/** A process that released the lock for so long has ended its turn, in milliseconds. */
const IDLE_MS = 50;

export class ProcessTurn {
  /** On the monotonic clock, in milliseconds. */
  #began = Number.NEGATIVE_INFINITY;
  #releasedAt = Number.NEGATIVE_INFINITY;
  #handOvers = 0;
  /** Turns that ended without another client that waits. */
  #count = 0;

  /** Whether the process held the lock a moment ago. If not, its next turn begins. */
  goesOn(): boolean {
    if (performance.now() - this.#releasedAt <= IDLE_MS) return true;
    this.#begin();
    this.#count = 0;
    return false;
  }

  /** A waiter of this process gets the lock. */
  handOver(): void {
    this.#handOvers++;
  }

  released(): void {
    this.#releasedAt = performance.now();
  }

  get isOver(): boolean {
    return this.#handOvers >= TURN.handOvers || performance.now() - this.#began > TURN.ms;
  }

  /** No client is known to wait, so the next turn begins at once. Returns whether a pause is due nevertheless. */
  renew(): boolean {
    this.#begin();
    this.#count = (this.#count + 1) % TURNS_UNTIL_PAUSE;
    return this.#count === 0;
  }

  #begin(): void {
    this.#began = performance.now();
    this.#handOvers = 0;
  }
}
