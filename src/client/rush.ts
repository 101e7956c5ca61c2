import type { Batch } from '../mqtt/joined-writes';

/** Up to so many in flight, requests do not wait for those of the next callback. */
const FEW = 16;
/** So much of what is usually in flight goes out together, a half. */
const SHARE = 2;

/**
 * The requests that go out together. A write to a socket takes longer than to make a request, so requests that are made in one turn of the event loop share
 * it. If all of them waited for the last one, the store would have no work meanwhile, and this process no work while the store works. So half of the number
 * that is usually in flight shares a write, and a single request goes out at once. With few in flight the store would be idle for longer than a write takes:
 * the first request of a callback goes out at once, and the others of it share a write.
 */
export class Rush {
  /** The most that were in flight between the last two times when nothing was, and since then. */
  #usual = 0;
  #most = 0;
  readonly #batch: Batch = { count: 1, until: 'turn' };

  /** A request goes out, and so many are in flight now. The batch is the same object each time. */
  next(inFlight: number): Batch {
    if (inFlight === 1) {
      this.#usual = this.#most;
      this.#most = 0;
    }
    if (inFlight > this.#most) this.#most = inFlight;
    const usual = Math.max(this.#usual, this.#most);
    this.#batch.count = usual / SHARE;
    this.#batch.until = usual > FEW ? 'turn' : 'callback';
    return this.#batch;
  }
}
