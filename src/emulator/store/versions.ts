/** The versions that a store makes: docs/protocol.md section 4. */
import { compareHlc, formatHlc, type Hlc, HybridLogicalClock, isSkewed, parseHlc } from '../../protocol/hlc';
import { refusal } from './refusal';

const STORE_NODE_ID = 'statestore-emulator';
/** How far the counter of a timestamp may be ahead of the store's: more events than a client has in a millisecond. */
const MAX_COUNTER_AHEAD = 1_000_000;

/** Each version is newer than all before. `nowMs`: the wall clock, in milliseconds since 1970. */
export class Versions {
  #clock = new HybridLogicalClock(STORE_NODE_ID);

  get latest(): string {
    return formatHlc(this.#clock.latest);
  }

  next(nowMs: number): string {
    return formatHlc(this.#clock.tick(nowMs));
  }

  /** The next version, newer than the timestamp of a request as well. Throws `ServiceError` for a timestamp that is not valid. */
  after(timestamp: string, nowMs: number): string {
    const remote = parseHlc(timestamp);
    if (!remote) throw refusal('TIMESTAMP_MALFORMED');
    if (isSkewed(remote, nowMs)) throw refusal('TIMESTAMP_SKEW');
    if (this.#isOutOfReach(remote, nowMs)) throw refusal('TIMESTAMP_MALFORMED');
    // The store's own name under a client's timestamp: it is a client's all the same.
    const sender = remote.nodeId === STORE_NODE_ID ? { ...remote, nodeId: '' } : remote;
    return formatHlc(this.#clock.receive(sender, nowMs));
  }

  /** Continues after `latest` if that is newer. */
  resume(latest: Hlc): void {
    if (compareHlc(latest, this.#clock.latest) > 0)
      this.#clock = new HybridLogicalClock(STORE_NODE_ID, latest);
  }

  /**
   * Call it when the wall clock was set back. Versions continue from the latest one. If that is further ahead of the new time than clients accept, they
   * start again at the new time: then returns the first version.
   */
  setBack(nowMs: number): Hlc | undefined {
    if (!isSkewed(this.#clock.latest, nowMs)) return undefined;
    this.#clock = new HybridLogicalClock(STORE_NODE_ID);
    return this.#clock.tick(nowMs);
  }

  /** True if a counter would move the clock to numbers that clients cannot read until the next millisecond. */
  #isOutOfReach(remote: Hlc, nowMs: number): boolean {
    const { wallClockMs, counter } = this.#clock.latest;
    if (remote.counter <= MAX_COUNTER_AHEAD || remote.wallClockMs < Math.max(nowMs, wallClockMs))
      return false;
    return remote.counter - (remote.wallClockMs === wallClockMs ? counter : 0) > MAX_COUNTER_AHEAD;
  }
}
