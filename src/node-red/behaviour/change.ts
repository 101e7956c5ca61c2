/** The new value that an update node makes from the value of a key. Pure; expressions are evaluated elsewhere. */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type ExactJson, longNumbers, readExactly } from '../../client/exact-json';
import { type ErrorContext, StateStoreError } from '../../errors';
import { valueFromBytes, valueToBytes } from '../message/value';
import { finish, type Taker, take } from './taking';

/** `set` replaces the current value. The other kinds compute the new value from it. */
export type ChangeKind = 'add' | 'append' | TakingKind | 'merge' | 'larger' | 'smaller' | 'set';

/** Changes of a list from which several instances take entries. */
export type TakingKind = 'take' | 'finish';

const KINDS: readonly string[] = [
  'add',
  'append',
  'take',
  'finish',
  'merge',
  'larger',
  'smaller',
  'set',
] satisfies ChangeKind[];

/** Throws `BAD_ARGUMENT` for a kind that is none. */
export function toChangeKind(kind: string, context: ErrorContext & { key: string }): ChangeKind {
  if (isChangeKind(kind)) return kind;
  const message = `The action ${JSON.stringify(kind)} for key ${context.key} is unknown. Select an action in the node.`;
  throw new StateStoreError('BAD_ARGUMENT', message, context);
}

function isChangeKind(kind: string): kind is ChangeKind {
  return KINDS.includes(kind);
}

/** Something a message or a node gives, and how a person calls it: `msg.payload`. */
export interface Given {
  value: unknown;
  label: string;
}

export interface ChangeOptions {
  kind: ChangeKind;
  given: Given;
  /** What stands for the value of a key that is missing; `undefined`: 0, an empty list, an empty object, or what is given. */
  start: unknown;
  /** Number of last entries that a list keeps, as the node has it. Blank: all. */
  keep: string;
  /** The name that takes or finishes an entry. Missing: an entry that is taken is removed. */
  taker?: Taker;
  /** Names the key in errors. */
  context: ErrorContext & { key: string };
}

/** Makes the new value from the present one; `missing`: the key is missing, and `present` is the start value. */
type Apply = (present: unknown, missing: boolean) => unknown;

const STARTS: Partial<Record<ChangeKind, () => unknown>> = {
  add: () => 0,
  append: () => [],
  merge: () => ({}),
};

/**
 * The change for the library's `update`. Throws `BAD_ARGUMENT` at once where what is given is of the wrong type; the change itself
 * throws it where what the key holds is.
 */
export function changeOf(
  options: ChangeOptions & { kind: Exclude<ChangeKind, TakingKind> },
): (bytes: Buffer | undefined) => Uint8Array;
export function changeOf(options: ChangeOptions): (bytes: Buffer | undefined) => Uint8Array | undefined;
export function changeOf(options: ChangeOptions): (bytes: Buffer | undefined) => Uint8Array | undefined {
  const { kind, given, context } = options;
  if (kind === 'set') {
    const bytes = valueToBytes(given.value, given.label, () => context);
    // A buffer may be used for something else before its turn comes.
    const own = bytes === given.value ? Buffer.from(bytes) : bytes;
    return () => own;
  }
  if (kind === 'take' || kind === 'finish') return takingOf(kind, options);
  const apply = appliers[kind](options);
  const start = options.start ?? STARTS[kind]?.();
  return (bytes) => {
    const exact = kind === 'append' || kind === 'merge' ? exactly(bytes) : undefined;
    const present = exact ? exact.value : presentValue(bytes, start, context);
    const next = apply(present, bytes === undefined);
    if (exact && !isDeepStrictEqual(present, next)) return Buffer.from(exact.write(next));
    return newBytes(bytes, present, next, 'the new value', context);
  };
}

/** Returns the same bytes if no entry is taken or finished, `undefined` if the key is missing. */
function takingOf(
  kind: TakingKind,
  options: ChangeOptions,
): (bytes: Buffer | undefined) => Uint8Array | undefined {
  const { taker, context } = options;
  if (kind === 'finish' && taker === undefined) {
    const problem = `No name is set under "Taken by": nothing was finished in key ${context.key}`;
    throw new StateStoreError(
      'BAD_ARGUMENT',
      { problem, advice: 'Enter the name with which the entry was taken.' },
      context,
    );
  }
  return (bytes) => {
    if (bytes === undefined) return undefined;
    const exact = exactly(bytes);
    const present = exact ? exact.value : presentValue(bytes, undefined, context);
    if (!Array.isArray(present)) throw wrongType(present, false, options, 'a list', '[]');
    const rest =
      kind === 'finish' && taker !== undefined
        ? finish(present, taker)
        : take(present, taker?.name, randomUUID);
    if (rest === present) return bytes;
    return exact ? Buffer.from(exact.write(rest)) : newBytes(bytes, present, rest, 'the new value', context);
  };
}

/** A list or an object with numbers that JavaScript cannot hold: they keep their digits. */
function exactly(bytes: Buffer | undefined): ExactJson | undefined {
  const text = bytes?.toString() ?? '';
  if (!/^\s*[[{]/.test(text) || longNumbers(text).length === 0) return undefined;
  try {
    return readExactly(text);
  } catch {
    return undefined; // Not JSON.
  }
}

/** Throws `BAD_ARGUMENT` if the result of an expression has a number of `before` with other digits. */
export function checkDigits(
  before: Buffer | undefined,
  after: Uint8Array,
  context: ErrorContext & { key: string },
): void {
  const long = before ? longNumbers(before.toString()) : [];
  if (long.length === 0) return;
  const numbers = new Set(
    Buffer.from(after)
      .toString()
      .match(/-?[\d.]+(?:e[+-]?\d+)?/gi),
  );
  const changed = long.find((number) => numbers.has(JSON.stringify(Number(number))));
  if (changed === undefined) return;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    {
      problem: `Key ${context.key} holds the number ${changed}, which has more digits than JavaScript keeps: nothing was changed`,
      advice:
        'Store such numbers as text, or change the key by "merge into an object" or "append to a list".',
    },
    context,
  );
}

/** What a key holds, as the get node would give it; the start value where it is missing. */
export function presentValue(bytes: Buffer | undefined, start: unknown, context: ErrorContext): unknown {
  return bytes === undefined ? start : valueFromBytes(bytes, 'auto-detect', () => context);
}

/** The bytes of the new value. The same bytes as before if the value is equal, so that its notation is kept. */
export function newBytes(
  bytes: Buffer | undefined,
  present: unknown,
  next: unknown,
  label: string,
  context: ErrorContext,
): Uint8Array {
  if (bytes && isDeepStrictEqual(present, next)) return bytes;
  return valueToBytes(next, label, () => context);
}

const appliers: Record<Exclude<ChangeKind, 'set' | TakingKind>, (options: ChangeOptions) => Apply> = {
  add: (options) => {
    const amount = toNumber(options);
    return (present, missing) => {
      const before = presentNumber(present, missing, options);
      const sum = before + amount;
      const exact = Number.isSafeInteger(sum) || !Number.isInteger(before) || !Number.isInteger(amount);
      if (Number.isFinite(sum) && exact) return sum;
      throw refused(
        options,
        `${before} + ${amount} exceeds the largest exact number (${Number.MAX_SAFE_INTEGER})`,
        'Set the key to a smaller number.',
      );
    };
  },

  larger: (options) => comparison(options, (a, b) => a > b),
  smaller: (options) => comparison(options, (a, b) => a < b),

  append: (options) => {
    const entry = snapshot(options);
    const keep = toCount(options);
    return (present, missing) => {
      if (!Array.isArray(present)) throw wrongType(present, missing, options, 'a list', '[]');
      const list = [...present, entry];
      return keep === undefined ? list : list.slice(-keep);
    };
  },

  merge: (options) => {
    if (!isObject(options.given.value)) throw wrongGiven(options, 'an object');
    const more = snapshot(options) as object;
    return (present, missing) => {
      if (!isObject(present)) throw wrongType(present, missing, options, 'an object', '{}');
      // Not Object.assign: a property of the name __proto__ is one like any other.
      return { ...present, ...more };
    };
  },
};

function comparison(options: ChangeOptions, isBetter: (a: number, b: number) => boolean): Apply {
  const value = toNumber(options);
  return (present, missing) => {
    if (missing && present === undefined) return value;
    const before = presentNumber(present, missing, options);
    return isBetter(value, before) ? value : before;
  };
}

/** The given value as it is now: the flow may change it before its turn comes. */
export function snapshot({
  given: { value, label },
  context,
}: Pick<ChangeOptions, 'given' | 'context'>): unknown {
  if (typeof value === 'string') return value;
  valueToBytes(value, label, () => context); // says what is wrong with it
  return JSON.parse(JSON.stringify(value));
}

/** A number, or text that is one. */
function toNumber(options: ChangeOptions): number {
  const { value } = options.given;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw wrongGiven(options, 'a number');
}

/** A whole number from 1, or nothing. */
function toCount({ keep, context }: ChangeOptions): number | undefined {
  const text = String(keep ?? '').trim();
  if (text === '') return undefined;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `"Keep the last" is ${JSON.stringify(keep)}, but must be a whole number from 1: nothing was appended to key ${context.key}. Correct it in the node, or leave it blank to keep all.`,
    context,
  );
}

function presentNumber(present: unknown, missing: boolean, options: ChangeOptions): number {
  if (typeof present === 'number') return present;
  throw wrongType(present, missing, options, 'a number', '0');
}

export function isObject(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** Past participles for "nothing was ... the key". */
const DONE: Record<ChangeKind, string> = {
  add: 'added to',
  append: 'appended to',
  take: 'taken from',
  finish: 'finished in',
  merge: 'merged into',
  larger: 'kept in',
  smaller: 'kept in',
  set: 'written to',
};

function wrongGiven({ kind, given: { value, label }, context }: ChangeOptions, wanted: string): Error {
  return new StateStoreError(
    'BAD_ARGUMENT',
    `${label} is ${describe(value)}, but must be ${wanted}: nothing was ${DONE[kind]} key ${context.key}. Correct it in the node or the message.`,
    context,
  );
}

function wrongType(
  present: unknown,
  missing: boolean,
  options: ChangeOptions,
  wanted: string,
  example: string,
): Error {
  if (missing) {
    const why = `The initial value of key ${options.context.key} is ${describe(present)}, but must be ${wanted}`;
    return refused(options, why, 'Correct the initial value in the node.');
  }
  const advice = `Set it to ${wanted} like ${example} with an update node that sets it, or use another key.`;
  return refused(options, `Key ${options.context.key} holds ${describe(present)}, not ${wanted}`, advice);
}

function refused({ kind, context }: ChangeOptions, why: string, advice: string): Error {
  const message = `${why}: nothing was ${DONE[kind]} it. ${advice}`;
  return new StateStoreError('BAD_ARGUMENT', message, context);
}

const MAX_QUOTED = 40;

/** A value in words. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') {
    if (value === '') return 'empty text';
    return `the text ${JSON.stringify(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}...` : value)}`;
  }
  if (value instanceof Uint8Array) return `binary data of ${value.length} bytes`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `${typeof value === 'number' ? 'the number ' : ''}${String(value)}`;
}
