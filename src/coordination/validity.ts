import type { ElapsedClock } from './elapsed';

/** Part of the duration that is given up, for clocks of different speed and late timers. */
const MARGIN = 0.1;

/** For how long a holder may count on its lease, by the clock of its own machine, and with which token. */
export class Validity {
  readonly #clock: ElapsedClock;
  readonly #duration: number;
  /** On the clock, in milliseconds. */
  #end = Number.NEGATIVE_INFINITY;
  #token: string | undefined;

  /** `duration`: milliseconds the store keeps the lease. */
  constructor(duration: number, clock: ElapsedClock) {
    this.#duration = duration;
    this.#clock = clock;
  }

  /** Milliseconds that are left; not positive when it is over. */
  get left(): number {
    return this.#end - this.#clock.now();
  }

  /** The end on the monotonic clock (`performance.now()`), in milliseconds. */
  get end(): number {
    return this.#clock.onMonotonic(this.#end);
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** The store confirmed a request that was sent at `sent` on the clock. Two may be in flight: the later one counts. */
  confirm(sent: number, token: string | undefined): void {
    const end = sent + this.#duration * (1 - MARGIN);
    if (end < this.#end) return;
    this.#end = end;
    this.#token = token;
  }
}
