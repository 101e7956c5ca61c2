/** A request to add names to a list. It is settled once, and ends at its own time, however long others wait for the same update. */
export class NameWaiter {
  readonly names: readonly string[];
  /** On the monotonic clock, in milliseconds. */
  readonly deadline: number;
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    names: readonly string[],
    deadline: number,
    on: { resolve(): void; reject(error: unknown): void; onLate(waiter: NameWaiter): void },
  ) {
    this.names = names;
    this.deadline = deadline;
    this.#resolve = on.resolve;
    this.#reject = on.reject;
    this.#timer = setTimeout(() => on.onLate(this), Math.max(0, Math.ceil(deadline - performance.now())));
  }

  resolve(): void {
    clearTimeout(this.#timer);
    this.#resolve();
  }

  reject(error: unknown): void {
    clearTimeout(this.#timer);
    this.#reject(error);
  }
}
