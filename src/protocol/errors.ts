/**
 * Everything that can go wrong with a request, as one small family.
 * Codes of the store and the texts behind them: docs/protocol.md section 3.
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
  | 'BAD_ARGUMENT'
  | 'BAD_RESPONSE'
  | 'KEY_NOT_FOUND'
  | 'NOT_FREE'
  | 'LEASE_LOST'
  | 'REFUSED';

export type ErrorCode = ServiceErrorCode | ClientErrorCode;

/** The operation a person asked for; `VDEL` is `delete` with a value to compare. */
export type Operation =
  | 'set'
  | 'get'
  | 'delete'
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

/** Where an error belongs. `key` is printable, see {@link printableKey}. */
export interface ErrorContext {
  operation?: Operation | undefined;
  key?: string | undefined;
  reasonCode?: number;
  cause?: unknown;
}

/**
 * Base of every error this package raises. `code`, `operation` and `key` are own, enumerable properties, so
 * that they survive cloning (Node-RED's Catch node copies own properties only).
 */
export class StateStoreError extends Error {
  override readonly name: string = 'StateStoreError';
  readonly code: ErrorCode;
  readonly operation?: Operation;
  readonly key?: string;
  /** With `REFUSED`: what the broker answered to the publish (MQTT 5 section 3.4.2.1). */
  declare readonly reasonCode?: number;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    if (context.operation !== undefined) this.operation = context.operation;
    if (context.key !== undefined) this.key = context.key;
    if (context.reasonCode !== undefined) this.reasonCode = context.reasonCode;
  }

  /** The message alone: Node-RED shows this to people, who have no use for the name of a class. */
  override toString(): string {
    return this.message;
  }
}

/** The store received the request and refused it. `text` is the store's own wording. */
export class ServiceError extends StateStoreError {
  override readonly name = 'ServiceError';
  override readonly code: ServiceErrorCode;
  readonly text: string;

  constructor(code: ServiceErrorCode, text: string, context: ErrorContext = {}) {
    super(code, describe(code, text, context), context);
    this.code = code;
    this.text = text;
  }

  /** The error that an `-ERR {text}` answer stands for. Unknown texts become `UNKNOWN` and keep their wording. */
  static fromText(text: string, context: ErrorContext = {}): ServiceError {
    const wanted = text.trim().toLowerCase();
    const known = Object.entries(SERVICE_ERRORS).find(([, { texts }]) => texts.includes(wanted));
    return new ServiceError((known?.[0] ?? 'UNKNOWN') as ServiceErrorCode, text, context);
  }
}

interface ServiceErrorEntry {
  /** The store's wordings; the first is the one the emulator sends. */
  texts: string[];
  /** What the person who reads the error can do. */
  advice: string;
}

const CLOCKS = 'ensure that the client and broker system clocks are synchronized';
const SYNCHRONIZE = 'Synchronize the clock of this machine with the one of the broker (NTP).';
const REPORT = 'This is a fault of the client; please report it.';

const SERVICE_ERRORS: Record<Exclude<ServiceErrorCode, 'UNKNOWN'>, ServiceErrorEntry> = {
  TIMESTAMP_SKEW: {
    texts: [`the request timestamp is too far in the future; ${CLOCKS}`],
    advice: SYNCHRONIZE,
  },
  FENCING_TOKEN_REQUIRED: {
    texts: ['a fencing token is required for this request'],
    advice: 'This key is protected: send the fencing token that you got when you acquired the lock.',
  },
  FENCING_TOKEN_SKEW: {
    texts: [`the request fencing token timestamp is too far in the future; ${CLOCKS}`],
    advice: `${SYNCHRONIZE} Use a version that the store returned as the fencing token.`,
  },
  FENCING_TOKEN_LOWER_VERSION: {
    texts: ['than', 'that'].map(
      (than) =>
        `the request fencing token is a lower version ${than} the fencing token protecting the resource`,
    ),
    advice: 'Somebody acquired the lock after you: acquire it again and use the new fencing token.',
  },
  QUOTA_EXCEEDED: {
    texts: ['the quota has been exceeded'],
    advice: 'Delete keys that are no longer needed, set them with an expiry, or ask for a larger quota.',
  },
  SYNTAX_ERROR: { texts: ['syntax error'], advice: REPORT },
  NOT_AUTHORIZED: {
    texts: ['not authorized'],
    advice: 'Ask the operator of the broker for a BrokerAuthorization rule that grants access to this key.',
  },
  UNKNOWN_COMMAND: { texts: ['unknown command'], advice: REPORT },
  WRONG_NUMBER_OF_ARGUMENTS: { texts: ['wrong number of arguments'], advice: REPORT },
  TIMESTAMP_MISSING: { texts: ['missing timestamp'], advice: REPORT },
  TIMESTAMP_MALFORMED: {
    texts: ['malformed timestamp'],
    advice: 'Use a version that the store returned as the fencing token, unchanged.',
  },
  KEY_LENGTH_ZERO: { texts: ['the key length is zero'], advice: 'Give a key of at least one byte.' },
};

/** The wording that belongs to `code` on the wire, without the leading `-ERR `. */
export function serviceErrorText(code: Exclude<ServiceErrorCode, 'UNKNOWN'>): string {
  return SERVICE_ERRORS[code].texts[0] as string;
}

function describe(code: ServiceErrorCode, text: string, context: ErrorContext): string {
  const advice =
    code === 'UNKNOWN' ? 'See the log of the broker for the reason.' : SERVICE_ERRORS[code].advice;
  return causeFirst(`${text || 'No reason given'}.`, `the state store refused to ${what(context)}`, advice);
}

/** "set key machine/1", for the start of a message. */
export function what({ operation, key }: ErrorContext): string {
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
  const done = operation && DONE[operation];
  if (!done) return `nothing was done${key === undefined ? '' : ` with key ${key}`}`;
  return key === undefined ? `nothing was ${done}` : `key ${key} was not ${done}`;
}

/**
 * A message that begins with the cause, since long messages are cut at their end: "Nothing listens at localhost:1883: key a was
 * not set. Check host and port." What `cause` says after its first sentence comes after the consequence.
 */
export function causeFirst(cause: string, consequence: string, advice = ''): string {
  const end = cause.search(/\.( |$)/);
  const first = end < 0 ? cause : cause.slice(0, end);
  const rest = end < 0 ? '' : cause.slice(end + 2);
  const begin = first.charAt(0).toUpperCase() + first.slice(1);
  const joint = first.includes(': ') ? ';' : ':';
  return [`${begin}${joint} ${consequence}.`, rest, advice].filter((part) => part !== '').join(' ');
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
