/** Up to so many in flight, each request goes out at once. */
const FEW = 16;
/** So much of what is usually in flight goes out together, a half. */
const SHARE = 2;

/**
 * How many requests go out together. A write to a socket takes longer than to make a request, so requests that are made in one turn of the event loop share
 * it. If all of them waited for the last one, the store would have no work meanwhile, and this process no work while the store works. So half of the number
 * that is usually in flight shares a write. With few in flight, the store would be idle for longer than the writes take.
 */
export class Rush {
  /** The most that were in flight between the last two times when nothing was, and since then. */
  #usual = 0;
  #most = 0;

  /** A request goes out, and so many are in flight now. Returns how many share a write. */
  next(inFlight: number): number {
    if (inFlight === 1) {
      this.#usual = this.#most;
      this.#most = 0;
    }
    if (inFlight > this.#most) this.#most = inFlight;
    const usual = Math.max(this.#usual, this.#most);
    return usual > FEW ? usual / SHARE : 1;
  }
}
