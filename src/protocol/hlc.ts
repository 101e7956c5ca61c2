/**
 * Hybrid logical clock: the versions and timestamps of the state store. docs/protocol.md section 4;
 * Kulkarni et al., "Logical Physical Clocks", 2014.
 */
import { StateStoreError } from '../errors';

/** A point in hybrid logical time. Milliseconds since 1970 and counter are integers from 0 to 2^53-1. */
export interface Hlc {
  readonly wallClockMs: number;
  readonly counter: number;
  /** Name of the node that made it: at least one character, and no colon. */
  readonly nodeId: string;
}

/** How far a timestamp may be ahead of the wall clock, in milliseconds. */
export const MAX_SKEW_MS = 60_000;

const ZERO = 0x30;
const COLON = 0x3a;
/** Digits of a padded text. */
const MS_DIGITS = 15;
const COUNTER_DIGITS = 5;
/** Most digits of a number in any text. */
const MOST_DIGITS = 20;

/** Reads `{wallClockMs}:{counter}:{nodeId}`, padded or not. `undefined` when the text is anything else. */
export function parseHlc(text: string): Hlc | undefined {
  const first = text.indexOf(':');
  const second = text.indexOf(':', first + 1);
  const wallClockMs = readNumber(text, 0, first);
  const counter = readNumber(text, first + 1, second);
  const nodeId = text.slice(second + 1);
  if (wallClockMs === undefined || counter === undefined || nodeId === '' || nodeId.includes(':'))
    return undefined;
  return { wallClockMs, counter, nodeId };
}

/** 1 to 20 digits for an integer up to 2^53-1. By hand, because every answer has two of them. */
function readNumber(text: string, start: number, end: number): number | undefined {
  if (end <= start || end - start > MOST_DIGITS) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Writes the padded form: 15 digits of milliseconds, 5 of counter. */
export function formatHlc({ wallClockMs, counter, nodeId }: Hlc): string {
  return `${String(wallClockMs).padStart(MS_DIGITS, '0')}:${String(counter).padStart(COUNTER_DIGITS, '0')}:${nodeId}`;
}

/** Bytes of what {@link writeHlc} writes; the node ID must be ASCII. */
export function sizeOfHlc({ counter, nodeId }: Hlc): number {
  return MS_DIGITS + 1 + digitsOf(counter) + 1 + nodeId.length;
}

/** Writes what {@link formatHlc} makes into `out`, and returns where it ends. Up to 15 digits of milliseconds; the node ID must be ASCII. */
export function writeHlc(out: Uint8Array, hlc: Hlc, start: number): number {
  const { nodeId } = hlc;
  let at = writeHlcTime(out, hlc, start);
  for (let i = 0; i < nodeId.length; i++) out[at++] = nodeId.charCodeAt(i);
  return at;
}

/** Writes all but the node ID, which is there already, and returns where that begins. */
export function writeHlcTime(out: Uint8Array, { wallClockMs, counter }: Hlc, start: number): number {
  let at = writeDigits(out, wallClockMs, start, MS_DIGITS);
  out[at++] = COLON;
  at = writeDigits(out, counter, at, digitsOf(counter));
  out[at++] = COLON;
  return at;
}

function digitsOf(counter: number): number {
  return counter < 100_000 ? COUNTER_DIGITS : String(counter).length;
}

/** Numbers with so many digits are small integers, with which division is fast. */
const PART_DIGITS = 9;
const PART = 10 ** PART_DIGITS;

function writeDigits(out: Uint8Array, value: number, start: number, digits: number): number {
  const end = start + digits;
  let rest = value;
  for (let last = end; last > start; last -= PART_DIGITS) {
    const first = Math.max(start, last - PART_DIGITS);
    const high = Math.floor(rest / PART);
    let low = rest - high * PART;
    for (let at = last - 1; at >= first; at--) {
      const tens = (low / 10) | 0;
      out[at] = ZERO + low - tens * 10;
      low = tens;
    }
    rest = high;
  }
  return end;
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
 * The clock of one node. It has no wall clock of its own: every call passes the time in milliseconds since 1970.
 * Its results are always newer than all timestamps that it returned or received before.
 */
export class HybridLogicalClock {
  readonly nodeId: string;
  #latest: Hlc;

  /** Continues after `latest`. */
  constructor(
    nodeId: string,
    { wallClockMs, counter }: Omit<Hlc, 'nodeId'> = { wallClockMs: 0, counter: 0 },
  ) {
    this.nodeId = nodeId;
    this.#latest = { wallClockMs, counter, nodeId };
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
    `A timestamp is ${seconds} seconds ahead of the clock of this computer. Synchronize the clocks of this computer and of the broker (NTP).`,
  );
}
