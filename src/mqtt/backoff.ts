/** Pauses between attempts to connect, in milliseconds. */
export const FIRST_PAUSE_MS = 125;
export const LONGEST_PAUSE_MS = 60_000;
/**
 * A connection that lasted longer was a good one: the next pause is the shortest again. A broker that refuses a client ends the
 * connection sooner, and a network that is cut again and again must not make the pauses grow.
 */
const STABLE_MS = 250;
/** After this number of failures in a row, the pauses of connections that served requests do not grow: at most 1 s. */
const MAX_SERVED_FAILURES = 3;

/**
 * The pause before attempt number `attempt` (0 is the first after a failure): doubles from 125 ms to 60 s, of which
 * a random half is taken off, so that many clients do not come back at the same moment.
 */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 30));
  return Math.round(longest * (1 - random() / 2));
}

/**
 * Counts the failures in a row. A connection that was short but served a request shows that the broker accepts this client and that the
 * network is cut. Its requests wait, and must not wait for their timeouts. Times are milliseconds on the monotonic clock.
 */
export class Backoff {
  #failures = 0;
  #connectedAt: number | undefined;

  connected(now: number): void {
    this.#connectedAt = now;
  }

  /**
   * An attempt, or the connection it made, ended. `served`: whether a request was answered on it. Returns the pause before the next attempt, in
   * milliseconds.
   */
  failed(retry: 'soon' | 'slowly', now: number, served: boolean, random?: () => number): number {
    if (this.#connectedAt !== undefined && now - this.#connectedAt > STABLE_MS) this.#failures = 0;
    else if (served) this.#failures = Math.min(this.#failures, MAX_SERVED_FAILURES);
    this.#connectedAt = undefined;
    return pauseBefore(retry === 'soon' ? this.#failures++ : Number.POSITIVE_INFINITY, random);
  }
}
