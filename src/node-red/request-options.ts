/** Options of a request as they come from typed inputs: blank fields and missing properties mean "none". */
import { StateStoreError } from '../protocol/errors';
import type { TypedProperty } from './typed-property';

/** Units a person may choose for an expiry. */
export type TimeUnit = 'ms' | 's' | 'min' | 'h' | 'd';

const MILLISECONDS: Record<TimeUnit, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** The option `expiry` in milliseconds. Throws `BAD_ARGUMENT` for what is no positive whole number of them. */
export function expiryMilliseconds(
  value: unknown,
  property: TypedProperty,
  unit: TimeUnit,
): { expiry?: number } {
  if (property.blank || value === undefined || value === null) return {};
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const expiry = typeof number === 'number' ? number * MILLISECONDS[unit] : Number.NaN;
  if (Number.isSafeInteger(expiry) && expiry > 0) return { expiry };
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `${property.label} is ${JSON.stringify(value)}, but the expiry must be a positive number of ${unit}, in whole milliseconds. Leave it blank for a value that does not expire.`,
    { operation: 'set' },
  );
}

/** The option `fencingToken`; the client checks its form. */
export function fencingToken(value: unknown, property: TypedProperty): { fencingToken?: string } {
  if (property.blank || value === undefined || value === null) return {};
  return { fencingToken: value as string };
}
