/** When candidates were active, and what must not be: two at a time, or none for too long. Times are in nanoseconds. */

/** A time in which a candidate was active without a break, by its own clock. */
export interface Reign {
  name: string;
  /** Milliseconds. */
  lease: number;
  begin: bigint;
  end: bigint;
  /** The fencing tokens of its first and its last act. */
  tokens: [string, string];
}

/** One moment in which a process was active. Its acts of one term follow each other without a standby between them. */
export interface Act {
  at: bigint;
  token: string;
  term: number;
}

/** A time in which no takeover can be expected. It has not ended yet if `end` is missing. */
export interface Outage {
  begin: bigint;
  end?: bigint;
}

/** How long a takeover may last beyond the lease of the candidate that ended, in milliseconds. */
const ALLOWED_MS = 500;

/** Makes reigns of the acts of one process. */
export class Reigns {
  readonly #name: string;
  readonly #lease: number;
  readonly #all: Reign[];
  #last: Reign | undefined;
  #term: number | undefined;

  /** New reigns are added to `all`. */
  constructor(name: string, lease: number, all: Reign[]) {
    this.#name = name;
    this.#lease = lease;
    this.#all = all;
  }

  add({ at, token, term }: Act): void {
    if (this.#last && term === this.#term) {
      this.#last.end = at;
      this.#last.tokens[1] = token;
      return;
    }
    this.#term = term;
    this.#last = { name: this.#name, lease: this.#lease, begin: at, end: at, tokens: [token, token] };
    this.#all.push(this.#last);
  }
}

export interface Overlap {
  one: Reign;
  other: Reign;
  ms: number;
}

/** All pairs of candidates that were active at the same time. `reigns` is in the order of beginnings. */
export function overlapsOf(reigns: readonly Reign[]): Overlap[] {
  const overlaps: Overlap[] = [];
  for (const [i, one] of reigns.entries()) {
    for (const other of reigns.slice(i + 1)) {
      if (other.begin > one.end) break;
      const end = one.end < other.end ? one.end : other.end;
      overlaps.push({ one, other, ms: Number(end - other.begin) / 1e6 });
    }
  }
  return overlaps;
}

/** The longest time without an active candidate, in milliseconds. `reigns` is in the order of beginnings. */
export function longestGap(reigns: readonly Reign[]): number {
  return Math.max(0, ...gapsOf(reigns).map(({ ms }) => ms));
}

export interface Gap {
  last: Reign;
  next: Reign;
  ms: number;
}

/**
 * The gap that is longest beyond the lease of the candidate that ended and half a second, with `ms` beyond that; `undefined` if there is
 * none. Gaps that have a part in common with an outage do not count.
 */
export function longestExcess(reigns: readonly Reign[], outages: readonly Outage[]): Gap | undefined {
  const isExpected = ({ last, next }: Gap) =>
    outages.some(({ begin, end }) => begin < next.begin && (end === undefined || end > last.end));
  return gapsOf(reigns)
    .filter((gap) => !isExpected(gap))
    .map((gap) => ({ ...gap, ms: Math.round(gap.ms - gap.last.lease - ALLOWED_MS) }))
    .filter(({ ms }) => ms > 0)
    .sort((one, other) => other.ms - one.ms)[0];
}

/** Milliseconds from `begin` to `end` without outages. */
export function timeWithout(outages: readonly Outage[], begin: bigint, end: bigint): number {
  let at = begin;
  let left = 0n;
  for (const outage of [...outages].sort((one, other) => (one.begin < other.begin ? -1 : 1))) {
    if (outage.begin > at) left += outage.begin - at;
    const until = outage.end ?? end;
    if (until > at) at = until;
  }
  if (end > at) left += end - at;
  return Number(left) / 1e6;
}

function gapsOf(reigns: readonly Reign[]): Gap[] {
  const gaps: Gap[] = [];
  let last: Reign | undefined;
  for (const next of reigns) {
    if (last && next.begin > last.end) gaps.push({ last, next, ms: Number(next.begin - last.end) / 1e6 });
    if (!last || next.end > last.end) last = next;
  }
  return gaps;
}
