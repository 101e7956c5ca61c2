/** When the bytes arrived that are being read: one look at the clock for all packets in them, and none if it is not asked for. */
export class Arrival {
  #at: number | undefined;

  /** More bytes arrived. */
  renew(): void {
    this.#at = undefined;
  }

  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  get at(): number {
    this.#at ??= performance.now();
    return this.#at;
  }
}
