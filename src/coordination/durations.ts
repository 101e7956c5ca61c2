import { StateStoreError } from '../errors';
import { integer, type Rules } from '../option-rules';

export const DEFAULT_LEASE_MS = 10_000;
/** No lease of this package is shorter, in milliseconds. */
export const SHORTEST_LEASE_MS = 100;
const LONGEST_MS = 3_600_000;

/** Rules for options whose only one is the duration of a lease. */
export const DURATION_RULES: Rules<{ duration?: number }> = {
  duration: integer(SHORTEST_LEASE_MS, LONGEST_MS),
};

/** The duration of a lease in milliseconds. Throws `BAD_ARGUMENT` for what is out of range. */
export function leaseDuration(value: number): number {
  if (Number.isInteger(value) && value >= SHORTEST_LEASE_MS && value <= LONGEST_MS) return value;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `duration must be a whole number of milliseconds from ${SHORTEST_LEASE_MS} to ${LONGEST_MS}, not ${JSON.stringify(value)}.`,
  );
}
