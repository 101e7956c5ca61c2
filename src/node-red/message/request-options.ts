/**
 * Options of a request as they come from typed inputs and from the message: blank fields and missing properties mean "none".
 */

import { type Operation, printableValue, StateStoreError } from '../../errors';
import type { SetCondition } from '../../protocol/commands';
import type { TypedProperty } from './typed-property';

/** Units a person may choose for an expiry. */
export type TimeUnit = 'ms' | 's' | 'min' | 'h' | 'd';

/**
 * What `msg.expiry`, `msg.condition` and `msg.timeout` are worth: `node`: they fill in what the node leaves open; `message`: they
 * come before the settings of the node; `ignore`: nothing.
 */
export type Precedence = 'node' | 'message' | 'ignore';

const MILLISECONDS: Record<TimeUnit, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Words for the conditions of SET in messages, and those of the protocol. */
const CONDITIONS: Record<string, SetCondition | undefined> = {
  always: undefined,
  new: 'NX',
  'new or unchanged': 'NEX',
  NX: 'NX',
  NEX: 'NEX',
};

/** The one of both that counts. */
export function prefer<T>(
  own: T | undefined,
  told: T | undefined,
  precedence: Precedence = 'node',
): T | undefined {
  if (precedence === 'ignore') return own;
  return precedence === 'message' ? (told ?? own) : (own ?? told);
}

/** An expiry in milliseconds. Throws `BAD_ARGUMENT` for what is no positive whole number of them. */
export function readExpiry(
  value: unknown,
  property: TypedProperty,
  unit: TimeUnit,
  operation: Operation = 'set',
): number | undefined {
  if (property.blank || value === undefined || value === null) return undefined;
  const exact = amountIn(value) * MILLISECONDS[unit];
  const expiry = Math.round(exact);
  // 0.07 s are 70.00000000000001 ms.
  if (Math.abs(exact - expiry) < 1e-6 && Number.isSafeInteger(expiry) && expiry > 0) {
    return expiry;
  }
  throw bad(
    operation,
    `${property.label} is ${printableValue(value)}, but the expiry must be a positive number of ${unit}, in whole milliseconds. Leave it blank for a value that does not expire.`,
  );
}

/** A number, or text that says one. */
function amountIn(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

/** The condition a message asks for. Throws `BAD_ARGUMENT` for a word that is none. */
export function readCondition(value: unknown, property: TypedProperty): SetCondition | 'always' | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && Object.hasOwn(CONDITIONS, value)) return CONDITIONS[value] ?? 'always';
  throw bad(
    'set',
    `${property.label} is ${printableValue(value)}, but must be "always", "new" or "new or unchanged".`,
  );
}

/** The option `timeout` of a message, in milliseconds; the client checks it. */
export function readTimeout(value: unknown, precedence: Precedence = 'node'): number | undefined {
  return precedence === 'ignore' || value === null ? undefined : (value as number | undefined);
}

/** A field of a node that holds seconds, in milliseconds. Throws `BAD_ARGUMENT` that names it for what is out of range. */
export function readSeconds(
  { field, value, min, max }: { field: string; value: string; min: number; max: number },
  operation: Operation,
): number | undefined {
  if (String(value ?? '').trim() === '') return undefined;
  const seconds = Number(value);
  if (seconds >= min && seconds <= max) return Math.round(seconds * 1000);
  throw bad(
    operation,
    `"${field}" of this node is ${JSON.stringify(value)}, but must be a number of seconds from ${min} to ${max}. Leave it blank for the usual time.`,
  );
}

/** The option `fencingToken`; the client checks its form. */
export function readFencingToken(value: unknown, property: TypedProperty): string | undefined {
  return property.blank || value === null ? undefined : (value as string | undefined);
}

function bad(operation: Operation, message: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', message, { operation });
}
