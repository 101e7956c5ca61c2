/** The last part of a time in which nothing new is sent, in milliseconds; a tenth of the time if that is less. */
const LAST_MOMENT_MS = 100;

/**
 * Milliseconds that a request may take so that what it is a part of ends by `deadline`; `undefined` in the last moment of the `timeout` that
 * ends then. A request that is sent so late could not be answered in time, and a write might be applied after it was reported as
 * timed out.
 */
export function timeLeft(deadline: number, timeout: number, now = performance.now()): number | undefined {
  const left = deadline - now;
  return left < Math.min(LAST_MOMENT_MS, timeout / 10) ? undefined : Math.max(1, Math.ceil(left));
}
