import type { Change, ChangeHandler } from './observations';

/**
 * One observed key. Changes go to the handler; without one they are kept for `for await`, which ends with {@link close}:
 *
 * ```ts
 * const observation = await store.observe('setpoint');
 * for await (const change of observation) {
 *   console.log(change.operation, change.operation === 'set' ? change.value.toString() : '');
 * }
 * ```
 */
export class Observation implements AsyncIterable<Change> {
  readonly #stop: () => Promise<void>;
  readonly #changes: Change[] = [];
  #waiting: (() => void) | undefined;
  #closed = false;

  constructor(stop: () => Promise<void>) {
    this.#stop = stop;
  }

  /** Takes changes in for `for await`. */
  readonly keep: ChangeHandler = (change) => {
    this.#changes.push(change);
    this.#waiting?.();
  };

  /** Ends it; `for await` ends, too. Resolves when the store was told, if this was the last one of its key. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.end();
    await this.#stop();
  }

  /** Ends `for await` without telling the store; for a client that is closed. */
  end(): void {
    this.#closed = true;
    this.#waiting?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Change> {
    for (;;) {
      const change = this.#changes.shift();
      if (change) {
        yield change;
      } else if (this.#closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
      }
    }
  }
}
