/** Interval in milliseconds of a status that changes with every message. */
const PERIOD_MS = 500;

/** Does something at once, then at most once in half a second; the last call is never lost. */
export class Throttle {
  readonly #action: () => void;
  #timer: NodeJS.Timeout | undefined;
  #again = false;

  constructor(action: () => void) {
    this.#action = action;
  }

  call(): void {
    if (this.#timer) {
      this.#again = true;
      return;
    }
    this.#action();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.call();
    }, PERIOD_MS);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }
}
