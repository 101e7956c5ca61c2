/**
 * The one family of errors of this package. Every error carries the facts that callers decide by: `applied` and `retryable`.
 * Refusals of the store are in `protocol/errors.ts`, failed connections in `mqtt/connection-error.ts`.
 */

/** What the store answered when it refused a request. */
export type ServiceErrorCode =
  | 'TIMESTAMP_SKEW'
  | 'FENCING_TOKEN_REQUIRED'
  | 'FENCING_TOKEN_SKEW'
  | 'FENCING_TOKEN_LOWER_VERSION'
  | 'QUOTA_EXCEEDED'
  | 'SYNTAX_ERROR'
  | 'NOT_AUTHORIZED'
  | 'UNKNOWN_COMMAND'
  | 'WRONG_NUMBER_OF_ARGUMENTS'
  | 'TIMESTAMP_MISSING'
  | 'TIMESTAMP_MALFORMED'
  | 'KEY_LENGTH_ZERO'
  | 'UNKNOWN';

/** What happened on the way to the store or back. */
export type ClientErrorCode =
  | 'TIMEOUT'
  | 'OUTCOME_UNKNOWN'
  | 'NOT_CONNECTED'
  | 'QUEUE_FULL'
  | 'CLOSED'
  | 'ABORTED'
  | 'BAD_ARGUMENT'
  | 'BAD_RESPONSE'
  | 'NOT_SUPPORTED'
  | 'KEY_NOT_FOUND'
  | 'NOT_FREE'
  | 'LEASE_LOST'
  | 'REFUSED';

/** The code of an error of this package. */
export type ErrorCode = ServiceErrorCode | ClientErrorCode;

/** The operation a person asked for; `VDEL` is `delete` with a value to compare. */
export type Operation =
  | 'set'
  | 'get'
  | 'delete'
  | 'keys'
  | 'observe'
  | 'unobserve'
  | 'update'
  | 'lock'
  | 'unlock'
  | 'leader';

/** Whether an operation changes a key, so that it matters whether it was applied. */
export function isWrite({ operation }: ErrorContext): boolean {
  return operation === 'set' || operation === 'delete';
}

/** Facts about a failed call, for code that decides what to do next. */
export interface ErrorFacts {
  /** `no`: the call changed nothing. `unknown`: a write may have been applied. */
  readonly applied: 'no' | 'unknown';
  /** Whether the same call may succeed later without a person changing anything. */
  readonly retryable: boolean;
}

const FINAL: ErrorFacts = { applied: 'no', retryable: false };
const PASSING: ErrorFacts = { applied: 'no', retryable: true };
const UNCERTAIN: ErrorFacts = { applied: 'unknown', retryable: true };

/** The facts of an error whose origin knows nothing more precise. */
const FACTS: Record<ErrorCode, ErrorFacts> = {
  TIMESTAMP_SKEW: PASSING,
  FENCING_TOKEN_REQUIRED: FINAL,
  FENCING_TOKEN_SKEW: PASSING,
  FENCING_TOKEN_LOWER_VERSION: FINAL,
  QUOTA_EXCEEDED: PASSING,
  SYNTAX_ERROR: FINAL,
  NOT_AUTHORIZED: FINAL,
  UNKNOWN_COMMAND: FINAL,
  WRONG_NUMBER_OF_ARGUMENTS: FINAL,
  TIMESTAMP_MISSING: FINAL,
  TIMESTAMP_MALFORMED: FINAL,
  KEY_LENGTH_ZERO: FINAL,
  UNKNOWN: PASSING,
  TIMEOUT: UNCERTAIN,
  OUTCOME_UNKNOWN: UNCERTAIN,
  NOT_CONNECTED: PASSING,
  QUEUE_FULL: PASSING,
  CLOSED: { applied: 'unknown', retryable: false },
  ABORTED: UNCERTAIN,
  BAD_ARGUMENT: FINAL,
  BAD_RESPONSE: UNCERTAIN,
  NOT_SUPPORTED: FINAL,
  KEY_NOT_FOUND: FINAL,
  NOT_FREE: PASSING,
  LEASE_LOST: PASSING,
  REFUSED: FINAL,
};

/** Where an error belongs. `key` is printable. */
export interface ErrorContext {
  /** The operation that failed. */
  operation?: Operation | undefined;
  /** The key in printable form. */
  key?: string | undefined;
  /** Text before the key in the store. */
  keyPrefix?: string | undefined;
  /** Reason code of the broker's PUBACK. */
  reasonCode?: number;
  /** Short name of the cause, if the code has several causes. */
  reason?: string;
  /** The error behind this one. */
  cause?: unknown;
  /** Overrides the default of the code. */
  applied?: ErrorFacts['applied'];
  /** Overrides the default of the code. */
  retryable?: boolean;
}

/** A message in two parts, so that a caller can put a consequence between them. */
export interface Explanation {
  /** The cause, as one clause without a full stop. */
  readonly problem: string;
  /** Further sentences: details, and what a person can do. Blank if there are none. */
  readonly advice: string;
}

/**
 * Base of every error this package raises. `code`, `applied`, `retryable`, `operation` and `key` are own, enumerable properties, so
 * that they survive cloning (Node-RED's Catch node copies own properties only).
 */
export class StateStoreError extends Error implements ErrorFacts, Explanation {
  /** Name of the class. */
  override readonly name: string = 'StateStoreError';
  /** Short name of the cause, for programs. */
  readonly code: ErrorCode;
  readonly applied: ErrorFacts['applied'];
  readonly retryable: boolean;
  /** The operation that failed. */
  readonly operation?: Operation;
  /** The key in printable form, shortened if it is long. */
  readonly key?: string;
  /** With `REFUSED`: the reason code of the broker's PUBACK (MQTT 5 section 3.4.2.1). */
  declare readonly reasonCode?: number;
  /**
   * Short name of the cause, if the code has several causes. `noStateStoreAnswer` with `TIMEOUT`: this connection has not received any
   * response so far, although the broker acknowledges the requests.
   */
  declare readonly reason?: string;
  declare readonly problem: string;
  declare readonly advice: string;

  /** A `message` that is a string has one sentence. */
  constructor(code: ErrorCode, message: string | Explanation, context: ErrorContext = {}) {
    const words = typeof message === 'string' ? { problem: message.replace(/\.$/, ''), advice: '' } : message;
    const text = typeof message === 'string' ? message : sentences(message);
    super(text, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.applied = context.applied ?? (isRead(context) ? 'no' : FACTS[code].applied);
    this.retryable = context.retryable ?? FACTS[code].retryable;
    if (context.operation !== undefined) this.operation = context.operation;
    if (context.key !== undefined) this.key = context.key;
    if (context.reasonCode !== undefined) this.reasonCode = context.reasonCode;
    if (context.reason !== undefined) this.reason = context.reason;
    Object.defineProperties(this, { problem: { value: words.problem }, advice: { value: words.advice } });
  }

  /** The message alone: Node-RED shows this to people, who have no use for the name of a class. */
  override toString(): string {
    return this.message;
  }
}

/** Whether the operation only reads, so that nothing can have been applied. */
export function isRead({ operation }: ErrorContext): boolean {
  return operation === 'get' || operation === 'keys' || operation === 'observe' || operation === 'unobserve';
}

function sentences({ problem, advice }: Explanation): string {
  return advice === '' ? `${problem}.` : `${problem}. ${advice}`;
}

/** "set key machine/1", for the start of a message. */
export function actionOf({ operation, key }: ErrorContext): string {
  if (operation === 'keys') return `list the keys that match ${key}`;
  return `${operation ?? 'answer'}${key === undefined ? '' : ` key ${key}`}`;
}

const DONE: Partial<Record<Operation, string>> = {
  set: 'set',
  get: 'read',
  delete: 'deleted',
  observe: 'observed',
  unobserve: 'given up',
  update: 'changed',
};

/** "key machine/1 was not set", for what follows from a failure. */
export function notDone({ operation, key }: ErrorContext): string {
  if (operation === 'keys') return `the keys that match ${key} were not listed`;
  const done = operation && DONE[operation];
  if (!done) return `nothing was done${key === undefined ? '' : ` with key ${key}`}`;
  return key === undefined ? `nothing was ${done}` : `key ${key} was not ${done}`;
}

/**
 * The cause first, then the consequence, then the advice, since long messages are cut at their end: "Connection refused by
 * localhost:1883: key a was not set. Check host and port."
 */
export function causeFirst(cause: string | Explanation, consequence: string, advice = ''): Explanation {
  const { problem, advice: details } = typeof cause === 'string' ? { problem: cause, advice: '' } : cause;
  const begin = problem.charAt(0).toUpperCase() + problem.slice(1);
  const joint = problem.includes(': ') ? ';' : ':';
  const parts = [details, advice].filter((part) => part !== '');
  return { problem: `${begin}${joint} ${consequence}`, advice: parts.join(' ') };
}

/** The message of anything that was thrown. JSONata and Mustache throw objects of their own. */
export function messageOf(thrown: unknown): string {
  const hasMessage = typeof thrown === 'object' && thrown !== null && 'message' in thrown;
  return hasMessage && typeof thrown.message === 'string' ? thrown.message : String(thrown);
}

/** The code of an error of Node.js, such as `ENOENT`. */
export function codeOf(thrown: unknown): string | undefined {
  const hasCode = thrown instanceof Error && 'code' in thrown;
  return hasCode && typeof thrown.code === 'string' ? thrown.code : undefined;
}

const MAX_PRINTED_KEY = 120;

const MAX_PRINTED_VALUE = 200;

/** A value of any kind as it may stand in a message: JSON, shortened when long; its type where there is none. */
export function printableValue(value: unknown): string {
  if (typeof value === 'number') return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // It refers to itself, or has a number that JSON has not.
  }
  if (text === undefined) return value === undefined ? 'undefined' : `of type ${typeof value}`;
  return text.length <= MAX_PRINTED_VALUE ? text : `${text.slice(0, MAX_PRINTED_VALUE)}...`;
}

/** A key as a person can read it: its text when it is printable UTF-8, `0x...` otherwise; shortened when long. */
export function printableKey(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const text = bytes.toString('utf8');
  const printable = !/[\p{Cc}\ufffd]/u.test(text);
  const shown = printable ? text : `0x${bytes.subarray(0, MAX_PRINTED_KEY).toString('hex')}`;
  return shown.length <= MAX_PRINTED_KEY
    ? shown
    : `${shown.slice(0, MAX_PRINTED_KEY)}... (${bytes.length} bytes)`;
}
