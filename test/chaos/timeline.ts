/** What happened, in the order of the clock of the machine, for reports of what must not be. */
import type { Outage, Reign } from './reigns';

/** What is shown before a fault, in nanoseconds. */
const BEFORE_NS = 15_000_000_000n;
const AFTER_NS = 1_000_000_000n;

export class Timeline {
  readonly #entries: { at: bigint; text: string }[] = [];

  add(text: string, at = process.hrtime.bigint()): void {
    this.#entries.push({ at, text });
  }

  addReign({ name, lease, begin, end, tokens: [first, last] }: Reign): void {
    this.add(`${name} is active with ${first}, lease ${lease} ms`, begin);
    this.add(`${name} was active with ${last}`, end);
  }

  addOutage({ begin, end }: Outage): void {
    this.add('no takeover is expected', begin);
    if (end !== undefined) this.add('takeovers are expected again', end);
  }

  /** In milliseconds from `begin`. */
  show(begin: bigint, end: bigint): string {
    return this.#entries
      .filter(({ at }) => at >= begin - BEFORE_NS && at <= end + AFTER_NS)
      .sort((one, other) => (one.at < other.at ? -1 : 1))
      .map(({ at, text }) => `  ${(Number(at - begin) / 1e6).toFixed(1).padStart(9)} ${text}`)
      .join('\n');
  }
}
