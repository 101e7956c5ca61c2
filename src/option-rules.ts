/** Rules for the options of a call. A wrong option is a `BAD_ARGUMENT` that names the option and its range. */
import { type ErrorContext, type Operation, printableValue, StateStoreError } from './errors';

/** Throws `BAD_ARGUMENT` if the value of `field` is not allowed. */
export type Rule = (field: string, value: unknown, context: ErrorContext) => void;

/** One rule for each option there is. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

/** Longest time that a timer of Node.js can measure, in milliseconds: about 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Maximum bytes of an MQTT string (MQTT 5 section 1.5.4). */
const MAX_TEXT_BYTES = 65_535;
/** What an MQTT string must not contain, and what a receiver may close the connection for (MQTT 5 section 1.5.4). */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** Checks the names and the values of all options that are given. */
export function checkRules<Options>(
  options: unknown,
  rules: Rules<Options>,
  context: ErrorContext = {},
  field = '',
): void {
  if (!isRecord(options))
    throw bad(field || 'options', `must be an object, not ${printableValue(options)}`, context);
  const all: Record<string, Rule> = rules;
  for (const name of Object.keys(options)) {
    const rule = Object.hasOwn(all, name) ? all[name] : undefined;
    const path = field === '' ? name : `${field}.${name}`;
    if (!rule) throw bad(path, 'is not a known option', context);
    const value = options[name];
    if (value !== undefined) rule(path, value, context);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Rule {
  return (field, value, context) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw bad(field, `must be a whole number ${range}, not ${printableValue(value)}`, context);
  };
}

/** Milliseconds that a timer can measure. */
export const milliseconds = integer(1, MAX_TIMER_MS);

/** The same, or 0 to try once. */
export const waitMilliseconds = integer(0, MAX_TIMER_MS);

export const boolean: Rule = (field, value, context) => {
  if (typeof value !== 'boolean')
    throw bad(field, `must be true or false, not ${printableValue(value)}`, context);
};

export const text: Rule = (field, value, context) => {
  if (typeof value !== 'string') throw bad(field, `must be a string, not ${printableValue(value)}`, context);
};

/** Text that may be part of an MQTT packet. */
export function mqttText(maxBytes = MAX_TEXT_BYTES): Rule {
  return (field, value, context) => {
    text(field, value, context);
    const string = String(value);
    const bytes = Buffer.byteLength(string);
    if (bytes > maxBytes)
      throw bad(field, `must not be longer than ${maxBytes} bytes, but has ${bytes}`, context);
    if (FORBIDDEN.test(string))
      throw bad(field, 'must not contain control characters or other characters that MQTT forbids', context);
  };
}

export const bytes: Rule = (field, value, context) => {
  if (typeof value === 'string' || value instanceof Uint8Array) return;
  throw bad(field, `must be a string or bytes, not ${value === null ? 'null' : typeof value}`, context);
};

export const signal: Rule = (field, value, context) => {
  if (!(value instanceof AbortSignal))
    throw bad(field, `must be an AbortSignal, not ${printableValue(value)}`, context);
};

/** One of a few values. */
export function oneOf(...values: readonly string[]): Rule {
  return (field, value, context) => {
    if (typeof value !== 'string' || !values.includes(value))
      throw bad(field, `must be ${values.join(' or ')}, not ${printableValue(value)}`, context);
  };
}

export function functionOf(returns: string): Rule {
  return (field, value, context) => {
    if (typeof value !== 'function')
      throw bad(field, `must be a function that returns ${returns}, not ${printableValue(value)}`, context);
  };
}

/** Throws `BAD_ARGUMENT` for one key instead of many, and for anything else that is no list. */
export function listOf<Item>(field: string, items: Iterable<Item>, operation: Operation): Item[] {
  const isList = typeof items === 'object' && items !== null && Symbol.iterator in items;
  if (!isList || items instanceof Uint8Array)
    throw bad(field, `must be an array or another iterable, not ${typeof items}`, { operation });
  return [...items];
}

/** The same for anything but pairs. */
export function pairsOf<Pair extends readonly [unknown, unknown]>(
  field: string,
  pairs: Iterable<Pair>,
  operation: Operation,
): Pair[] {
  const list = listOf(field, pairs, operation);
  if (!list.every((pair) => Array.isArray(pair)))
    throw bad(field, 'must be pairs of a key and a value', { operation });
  return list;
}

/** `BAD_ARGUMENT` for a wrong option or argument: "timeout must be ..., not 0 (get key machine/1)." */
export class OptionError extends StateStoreError {
  readonly #option: string;
  readonly #rule: string;

  constructor(option: string, rule: string, context: ErrorContext) {
    const where = context.key ? ` (${context.operation} key ${context.key})` : '';
    super('BAD_ARGUMENT', `${option} ${rule}${where}.`, context);
    this.#option = option;
    this.#rule = rule;
  }

  /** Name of the option in the code, such as `tls.caFile`. */
  get option(): string {
    return this.#option;
  }

  /** What the option must be, as the rest of a sentence that begins with its name. */
  get rule(): string {
    return this.#rule;
  }
}

/** Returns the result of `work`. A wrong option ends as the error of `rename`, which has the name that a person knows. */
export function withNames<Result>(work: () => Result, rename: (error: OptionError) => Error): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof OptionError ? rename(error) : error;
  }
}

export function bad(field: string, rule: string, context: ErrorContext = {}): OptionError {
  return new OptionError(field, rule, context);
}
