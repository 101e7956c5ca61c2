/**
 * The text under the key of a lease. For other clients it is opaque (docs/protocol.md section 6). Ours is `name:uuid:duration`, or `name:uuid:duration:term`, so that
 * a candidate knows how long the holder may believe in its lease after the store lost its memory.
 */

/** What can be read from the text of a holder. */
export interface Holder {
  /** For people. */
  name: string;
  /** The text without the duration, which identifies one waiter among all. */
  id: string;
  /** Milliseconds, if the holder wrote it. */
  duration: number | undefined;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const HOLDER = new RegExp(`^(?<id>(?<name>.*):${UUID})(?::(?<duration>\\d{1,10})(?::\\d{1,10})?)?$`, 's');

/**
 * `id`: `name:uuid`. `duration` in milliseconds. `term` counts releases without a response: such a release may be executed late, and must
 * not delete a later lease of the same holder.
 */
export function holderText(id: string, duration: number, term = 0): string {
  return term === 0 ? `${id}:${duration}` : `${id}:${duration}:${term}`;
}

/** Reads the text of any client: one that is not ours is its own name. */
export function parseHolder(text: string): Holder {
  const { id = text, name = text, duration } = HOLDER.exec(text)?.groups ?? {};
  return { name, id, duration: duration === undefined ? undefined : Number(duration) };
}

/** The name of a holder, for people. */
export function holderName(text: string): string {
  return parseHolder(text).name;
}

/** Whether a value looks like what a client of this package stores under the key of a lease. */
export function isHolder(value: string): boolean {
  return HOLDER.test(value);
}
