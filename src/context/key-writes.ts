import type { KeyChange } from '../client/observation';
import { KeyWrite, type Settle } from './key-write';

/**
 * The writes of one key by this process: one goes out at a time, and all that are asked for meanwhile are joined into the next one. A
 * change of another process that arrives meanwhile waits for the answer. No I/O.
 */
export class KeyWrites {
  #current: KeyWrite | undefined;
  #next: KeyWrite | undefined;
  #change: KeyChange | undefined;

  /** Whether a write is in flight or waits. */
  get busy(): boolean {
    return this.#current !== undefined;
  }

  /** Asks for a write until `deadline`, on the monotonic clock in milliseconds. Returns it if it is to begin now. */
  want(deadline: number, settle: Settle | undefined): KeyWrite | undefined {
    if (this.#next) {
      this.#next.want(deadline, settle);
      return undefined;
    }
    return this.#put(new KeyWrite(deadline, settle));
  }

  /** Asks for a write of `text` if the key is missing. Nothing else is wanted. */
  restore(deadline: number, text: string): KeyWrite | undefined {
    return this.#put(new KeyWrite(deadline, undefined, text));
  }

  /** The current write goes out: it includes everything that was asked for until now. */
  joinAll(): void {
    if (this.#next) this.#current?.join(this.#next);
    this.#next = undefined;
  }

  /** The current write is settled. Returns the next one, which is to begin now. */
  next(): KeyWrite | undefined {
    this.#current = this.#next;
    this.#next = undefined;
    return this.#current;
  }

  /** Takes away the write that waits. */
  dropNext(): KeyWrite | undefined {
    const write = this.#next;
    this.#next = undefined;
    return write;
  }

  /** Keeps the newest change of another process until the writes are settled. */
  keep(change: KeyChange): void {
    this.#change = change;
  }

  takeChange(): KeyChange | undefined {
    const change = this.#change;
    this.#change = undefined;
    return change;
  }

  #put(write: KeyWrite): KeyWrite | undefined {
    if (this.#current) {
      this.#next = write;
      return undefined;
    }
    this.#current = write;
    return write;
  }
}
