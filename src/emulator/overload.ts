/** A time in which the emulator refuses a share of what clients send. */
export interface OverloadOptions {
  /** How long it lasts, in milliseconds. */
  durationMs: number;
  /** The share that is refused, above 0 and up to 1, chosen at random. Default 1: everything. */
  share?: number;
}

/** Refuses a share of what clients send for a while, as a broker does whose buffers are nearly full. */
export class Overload {
  #share = 0;
  #until = 0;

  /** Starts or replaces it. A duration of 0 ends it. */
  begin({ durationMs, share = 1 }: OverloadOptions): void {
    this.#share = share;
    this.#until = performance.now() + durationMs;
  }

  refuses(): boolean {
    if (this.#share === 0) return false;
    if (performance.now() >= this.#until) this.#share = 0;
    return Math.random() < this.#share;
  }
}
