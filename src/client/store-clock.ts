import { type Hlc, HybridLogicalClock, parseHlc } from '../protocol/hlc';

/** The clock of one client's requests: newer than every version the store sent, and within a minute of the wall clock. */
export class StoreClock {
  #clock: HybridLogicalClock;
  #aheadMs: number | undefined;

  /** `nodeId`: ASCII without a colon. */
  constructor(nodeId: string) {
    this.#clock = new HybridLogicalClock(nodeId);
  }

  /** The node ID, with which all timestamps end. */
  get nodeId(): string {
    return this.#clock.nodeId;
  }

  /** How far the newest version was ahead of the wall clock when it came, in milliseconds. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }

  /** The timestamp of a request that is sent at `now`, in milliseconds since 1970. */
  tick(now: number): Hlc {
    try {
      return this.#clock.tick(now);
    } catch {
      // The wall clock was set back by more than a minute. The store would refuse the old time, so the clock begins again.
      this.#clock = new HybridLogicalClock(this.#clock.nodeId);
      return this.#clock.tick(now);
    }
  }

  /**
   * Takes in the version of an answer that came at `now`, in milliseconds since 1970. Returns false if it is malformed. Throws
   * `TIMESTAMP_SKEW` if it is more than a minute ahead; the clock is unchanged then. `isNew`: the store made the version for this answer.
   */
  receive(version: string, now: number, isNew = false): boolean {
    const remote = parseHlc(version);
    if (!remote) return false;
    if (isNew) this.#aheadMs = remote.wallClockMs - now;
    this.#clock.receive(remote, now);
    return true;
  }
}
