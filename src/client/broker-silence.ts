/** A connection is given up when nothing came for so long while a publish was unacknowledged, in milliseconds. */
export const MAX_SILENCE_MS = 5000;
/** The same for a write whose time is over. It could be applied as long as the connection lasts. */
const MAX_SILENCE_AFTER_TIMEOUT_MS = 1000;
/** So many round trips, if that is longer. */
const ROUND_TRIPS = 4;
/** Bytes that the system has not taken yet are given time at this rate (2 Mbit/s), up to {@link MAX_SENDING_MS}. */
const SLOWEST_BYTES_PER_MS = 250;
const MAX_SENDING_MS = 60_000;
/** If the check runs later than that, this process was paused, and has not read the packets that arrived. */
const MAX_GAP_MS = 2500;

/**
 * How long a broker has been silent: since the moment from which a publish was unacknowledged and nothing came. How long a
 * caller is willing to wait has no part in it. All times are on the monotonic clock, in milliseconds.
 */
export class BrokerSilence {
  #since = 0;
  #lookedAt = 0;
  #received = 0;
  #roundTripMs = 0;

  /** From now on a publish is unacknowledged. `received`: bytes received so far. */
  begin(now: number, received: number): void {
    this.#since = now;
    this.#lookedAt = now;
    this.#received = received;
  }

  /** The length of the silence at `now`; 0 if no publish is unacknowledged. */
  lengthMs(now: number, received: number, unacknowledged: boolean): number {
    if (!unacknowledged || received !== this.#received || now - this.#lookedAt > MAX_GAP_MS)
      this.begin(now, received);
    this.#lookedAt = now;
    return now - this.#since;
  }

  /** A publish was acknowledged after so many milliseconds. */
  learn(roundTripMs: number): void {
    this.#roundTripMs = this.#roundTripMs === 0 ? roundTripMs : (7 * this.#roundTripMs + roundTripMs) / 8;
  }

  /** The smoothed time from a publish to its PUBACK. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** How long the silence may last while so many bytes are not sent yet. */
  limitMs(unsent: number): number {
    return this.#limitMs(MAX_SILENCE_MS, unsent);
  }

  /**
   * The same, if the time of a write is over and the broker has not acknowledged it. Before the first round trip it is unknown whether the
   * network is slow.
   */
  limitAfterTimeoutMs(unsent: number): number {
    return this.#limitMs(this.#roundTripMs > 0 ? MAX_SILENCE_AFTER_TIMEOUT_MS : MAX_SILENCE_MS, unsent);
  }

  #limitMs(leastMs: number, unsent: number): number {
    const sending = Math.min(MAX_SENDING_MS, unsent / SLOWEST_BYTES_PER_MS);
    return Math.max(leastMs, ROUND_TRIPS * this.#roundTripMs, sending);
  }
}
