import type { SetOptions } from '../client/options';
import { timeLeft } from '../client/time-left';

/** Called once with the outcome of a write: nothing, or the error. */
export type Settle = (error?: unknown) => void;

/** All sets of one key since its last write went out. The write has the value that the cache has when it goes out. */
export class KeyWrite {
  /** Of the set that has the most time, on the monotonic clock, in milliseconds. */
  #deadline: number;
  readonly #settle: Settle[];
  /** Whether a set without a callback is among them. */
  #unwatched: boolean;
  #restores: string | undefined;

  /** `restores`: the text that the store lost; it is written only if the key is missing. */
  constructor(deadline: number, settle: Settle | undefined, restores?: string) {
    this.#deadline = deadline;
    // A list that begins with its first entry has no room for sixteen more.
    this.#settle = settle ? [settle] : [];
    this.#unwatched = !settle;
    this.#restores = restores;
  }

  /** One more set. */
  want(deadline: number, settle: Settle | undefined): void {
    this.#deadline = Math.max(this.#deadline, deadline);
    this.#restores = undefined;
    if (settle) this.#settle.push(settle);
    else this.#unwatched = true;
  }

  /** Takes over the sets of a later write. */
  join(later: KeyWrite): void {
    this.#deadline = Math.max(this.#deadline, later.#deadline);
    this.#restores = later.#restores;
    this.#unwatched ||= later.#unwatched;
    for (const settle of later.#settle) this.#settle.push(settle);
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Whether only the log can report a failure to all. */
  get unwatched(): boolean {
    return this.#unwatched;
  }

  /** The text that the store lost, if nothing else is to be written. */
  get restores(): string | undefined {
    return this.#restores;
  }

  /** Options of the request that goes out now, `undefined` if there is too little time left. */
  options(persist: boolean, whole: number): (SetOptions & { timeout: number }) | undefined {
    const timeout = timeLeft(this.#deadline, whole);
    if (timeout === undefined) return undefined;
    const options: SetOptions & { timeout: number } = { timeout };
    if (persist) options.persist = true;
    if (this.#restores !== undefined) options.condition = 'NX';
    return options;
  }

  /** Calls all callbacks. An error of one does not keep it from the others. */
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
