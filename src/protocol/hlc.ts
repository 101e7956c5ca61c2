/**
 * Hybrid logical clock: the versions and timestamps of the state store. docs/protocol.md section 4;
 * Kulkarni et al., "Logical Physical Clocks", 2014.
 */
import { StateStoreError } from './errors';

/** A point in hybrid logical time. Milliseconds since 1970 and counter are integers from 0 to 2^53-1. */
export interface Hlc {
  readonly wallClockMs: number;
  readonly counter: number;
  /** Who made it: any text without a colon, at least one character. */
  readonly nodeId: string;
}

/** How far a timestamp may be ahead of the wall clock, in milliseconds. */
export const MAX_SKEW_MS = 60_000;

const TEXT = /^(\d{1,20}):(\d{1,20}):([^:]+)$/;

/** Reads `{wallClockMs}:{counter}:{nodeId}`, padded or not. `undefined` when the text is anything else. */
export function parseHlc(text: string): Hlc | undefined {
  const match = TEXT.exec(text);
  if (!match) return undefined;
  const hlc = { wallClockMs: Number(match[1]), counter: Number(match[2]), nodeId: match[3] as string };
  return Number.isSafeInteger(hlc.wallClockMs) && Number.isSafeInteger(hlc.counter) ? hlc : undefined;
}

/** Writes the padded form: 15 digits of milliseconds, 5 of counter. */
export function formatHlc({ wallClockMs, counter, nodeId }: Hlc): string {
  return `${String(wallClockMs).padStart(15, '0')}:${String(counter).padStart(5, '0')}:${nodeId}`;
}

/** Negative when `a` is older, positive when newer: by milliseconds, then counter, then node ID. */
export function compareHlc(a: Hlc, b: Hlc): number {
  return a.wallClockMs - b.wallClockMs || a.counter - b.counter || compareText(a.nodeId, b.nodeId);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Whether a timestamp is further ahead of the wall clock than the protocol allows. Behind is fine. */
export function isSkewed(hlc: Hlc, nowMs: number): boolean {
  return hlc.wallClockMs - nowMs > MAX_SKEW_MS;
}

/**
 * One node's clock. It has no wall clock of its own: every call is told the time in milliseconds since 1970.
 * What it returns is always newer than everything it returned or received before.
 */
export class HybridLogicalClock {
  readonly nodeId: string;
  #latest: Hlc;

  constructor(nodeId: string) {
    this.nodeId = nodeId;
    this.#latest = { wallClockMs: 0, counter: 0, nodeId };
  }

  /** The newest timestamp so far. */
  get latest(): Hlc {
    return this.#latest;
  }

  /** The timestamp of a local event. Throws `TIMESTAMP_SKEW` when the clock ran more than a minute ahead of `nowMs`. */
  tick(nowMs: number): Hlc {
    const { wallClockMs, counter } = this.#latest;
    return this.#advance(Math.max(nowMs, wallClockMs), nowMs > wallClockMs ? 0 : counter + 1, nowMs);
  }

  /**
   * Takes in a timestamp made by another node and returns the new one, newer than both.
   * A timestamp of this very node changes nothing. Throws `TIMESTAMP_SKEW` when `remote` is more than a
   * minute ahead of `nowMs`; the clock is unchanged then.
   */
  receive(remote: Hlc, nowMs: number): Hlc {
    const local = this.#latest;
    if (remote.nodeId === this.nodeId) return local;
    if (isSkewed(remote, nowMs)) throw skew(remote, nowMs);
    const wallClockMs = Math.max(nowMs, local.wallClockMs, remote.wallClockMs);
    let counter = 0;
    if (wallClockMs === local.wallClockMs) counter = local.counter + 1;
    if (wallClockMs === remote.wallClockMs) counter = Math.max(counter, remote.counter + 1);
    return this.#advance(wallClockMs, counter, nowMs);
  }

  #advance(wallClockMs: number, counter: number, nowMs: number): Hlc {
    const next = { wallClockMs, counter, nodeId: this.nodeId };
    if (isSkewed(next, nowMs)) throw skew(next, nowMs);
    this.#latest = next;
    return next;
  }
}

function skew(hlc: Hlc, nowMs: number): StateStoreError {
  const seconds = Math.round((hlc.wallClockMs - nowMs) / 1000);
  return new StateStoreError(
    'TIMESTAMP_SKEW',
    `A timestamp is ${seconds} seconds ahead of the clock of this machine. Synchronize the clocks of this machine and of the broker (NTP).`,
  );
}
