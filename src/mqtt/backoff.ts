/** Pauses between attempts to connect, in milliseconds. */
export const FIRST_PAUSE_MS = 125;
export const LONGEST_PAUSE_MS = 60_000;

/**
 * The pause before attempt number `attempt` (0 is the first after a failure): doubles from 125 ms to 60 s, of which
 * a random half is taken off, so that many clients do not come back at the same moment.
 */
export function pauseBefore(attempt: number, random: () => number = Math.random): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 30));
  return Math.round(longest * (1 - random() / 2));
}
