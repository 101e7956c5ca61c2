import type { SetOptions } from '../client/options';
import { timeLeft } from '../client/time-left';

/** What a write is settled with: nothing, or the error. */
export type Settle = (error?: unknown) => void;

/** Everything that was asked for one key since the last write went out. What is written is what the cache has when it goes out. */
export class Write {
  /** Of the last one who asked, on the monotonic clock, in milliseconds. */
  #deadline: number;
  readonly #settle: Settle[];
  /** Whether somebody asked who does not want to know what becomes of it. */
  #untold: boolean;
  #restores: boolean;

  /** `restores`: only where there is nothing; it was in the store before that lost it. */
  constructor(deadline: number, settle: Settle | undefined, restores: boolean) {
    this.#deadline = deadline;
    // A list that begins with its first one has no room for sixteen more.
    this.#settle = settle ? [settle] : [];
    this.#untold = !settle;
    this.#restores = restores;
  }

  /** It is asked for once more. */
  want(deadline: number, settle: Settle | undefined, restores: boolean): void {
    this.#deadline = Math.max(this.#deadline, deadline);
    this.#restores &&= restores;
    if (settle) this.#settle.push(settle);
    else this.#untold = true;
  }

  /** What was asked for later goes out with this one. */
  join(later: Write): void {
    this.#deadline = Math.max(this.#deadline, later.#deadline);
    this.#restores &&= later.#restores;
    this.#untold ||= later.#untold;
    for (const settle of later.#settle) this.#settle.push(settle);
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Whether somebody does not hear of a failure unless the log has it. */
  get untold(): boolean {
    return this.#untold;
  }

  /** Options of the request that goes out now, where there is time left for it. */
  options(persist: boolean, whole: number): (SetOptions & { timeout: number }) | undefined {
    const timeout = timeLeft(this.#deadline, whole);
    if (timeout === undefined) return undefined;
    const options: SetOptions & { timeout: number } = { timeout };
    if (persist) options.persist = true;
    if (this.#restores) options.condition = 'NX';
    return options;
  }

  /** Tells all who asked. What one of them throws is his own fault, and does not keep it from the others. */
  settle(error: unknown, onThrown: (error: unknown) => void): void {
    for (const settle of this.#settle) {
      try {
        settle(error);
      } catch (thrown) {
        onThrown(thrown);
      }
    }
  }
}
