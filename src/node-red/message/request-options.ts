/**
 * Options of a request as they come from typed inputs and from the message: blank fields and missing properties mean "none".
 */

import { type Operation, printableValue, StateStoreError } from '../../errors';
import type { SetCondition } from '../../protocol/commands';
import { parseHlc } from '../../protocol/hlc';
import type { TypedProperty } from './typed-property';

/** Units a person may choose for an expiry. */
export type TimeUnit = 'ms' | 's' | 'min' | 'h' | 'd';

/**
 * Which of `msg.expiry`, `msg.condition`, `msg.timeout` and the settings of the node count. `node`: the message fills in blank settings.
 * `message`: the message overrides the settings. `ignore`: the settings alone.
 */
export type Precedence = 'node' | 'message' | 'ignore';

/** The longest timer of Node.js. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

const MILLISECONDS: Record<TimeUnit, number> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** Words for the conditions of SET in messages, and those of the protocol. */
const CONDITIONS: Record<string, SetCondition | undefined> = {
  always: undefined,
  new: 'NX',
  'new or unchanged': 'NEX',
  NX: 'NX',
  NEX: 'NEX',
};

/** The option of the node or of the message, whichever takes precedence. */
export function prefer<T>(
  own: T | undefined,
  fromMessage: T | undefined,
  precedence: Precedence = 'node',
): T | undefined {
  if (precedence === 'ignore') return own;
  return precedence === 'message' ? (fromMessage ?? own) : (own ?? fromMessage);
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

/** The option `timeout` of a message, in milliseconds. Throws `BAD_ARGUMENT` for what is not a whole number of them. */
export function readTimeout(
  value: unknown,
  property: TypedProperty,
  operation: Operation,
): number | undefined {
  if (value === undefined || value === null) return undefined;
  const timeout = amountIn(value);
  if (Number.isInteger(timeout) && timeout >= 1 && timeout <= MAX_TIMEOUT_MS) return timeout;
  throw bad(
    operation,
    `${property.label} is ${printableValue(value)}, but must be a whole number of milliseconds from 1 to ${MAX_TIMEOUT_MS}.`,
  );
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
    `"${field}" of this node is ${JSON.stringify(value)}, but must be a number of seconds from ${min} to ${max}. Leave it blank for the default.`,
  );
}

/** The option `fencingToken`; the client checks its form. Throws `BAD_ARGUMENT` for what is not text. */
export function readFencingToken(
  value: unknown,
  property: TypedProperty,
  operation: Operation,
): string | undefined {
  if (property.blank || value === undefined || value === null) return undefined;
  if (typeof value === 'string' && parseHlc(value)) return value;
  throw bad(
    operation,
    `${property.label} is ${printableValue(value)}, but must be a version that the store returned, like 001737000000000:00000:name.`,
  );
}

function bad(operation: Operation, message: string): StateStoreError {
  return new StateStoreError('BAD_ARGUMENT', message, { operation });
}
