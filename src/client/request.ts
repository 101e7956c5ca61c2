/** What is asked of the store, and how its answer is read. */
import {
  actionOf,
  causeFirst,
  type ErrorContext,
  isWrite,
  notDone,
  type Operation,
  printableKey,
  StateStoreError,
} from '../errors';
import type { UserProperties } from '../protocol/user-properties';
import type { SetOptions } from './options';

/** An answer of the store. */
export interface Answer {
  /** A view of a packet. */
  readonly payload: Buffer;
  /** Whether the memory of the packet has no other user, so that the view may be kept. */
  readonly hasOwnMemory: boolean;
  /** Compares the payload without a view of it, which would take longer. */
  hasPayload(bytes: Uint8Array): boolean;
}

/**
 * Turns an answer into the result for the caller. `version` is its user property `__ts`: the version of the value, or the store's clock.
 * Throws if the answer is not valid, or the store refused. The answer is only valid until this returns.
 */
export type ReadAnswer<Result> = (
  answer: Answer,
  version: string | undefined,
  context: ErrorContext,
) => Result;

export class Request<Result = unknown> {
  readonly operation: Operation;
  readonly #key: string | Uint8Array;
  #keyText: string | undefined;
  readonly read: ReadAnswer<Result>;
  /** Milliseconds from now until the answer must be here. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  readonly fencingToken: string | undefined;
  /** Whether it may be executed twice, and the caller accepts either answer. Requests that change no key always are. */
  readonly idempotent: boolean;
  /** Whether it goes out before requests that are not urgent, and the limits of the queue do not count it. */
  readonly urgent: boolean;
  /** Whether it ends with `ABORTED` if its signal is aborted, instead of with the signal's reason. */
  readonly #abortedError: boolean;
  /** Further user properties. */
  readonly userProperties: UserProperties | undefined;
  /** Text before the key in the store. */
  readonly keyPrefix: string | undefined;

  /** `key`: as the caller passed it. Nothing else changes it. */
  constructor(
    operation: Operation,
    key: string | Uint8Array,
    read: ReadAnswer<Result>,
    { signal, fencingToken, repeatable, urgent, abortedError }: SetOptions,
    timeout: number,
    userProperties?: UserProperties,
    keyPrefix?: string,
  ) {
    this.operation = operation;
    this.#key = key;
    this.read = read;
    this.timeout = timeout;
    this.signal = signal;
    this.fencingToken = fencingToken;
    this.idempotent = repeatable === true || !isWrite(this);
    this.urgent = urgent === true;
    this.#abortedError = abortedError === true;
    this.userProperties = userProperties;
    this.keyPrefix = keyPrefix;
  }

  /** The key in printable form, for messages. It costs more than all else, so it is made when there is a message. */
  get key(): string {
    return printableKey(typeof this.#key === 'string' ? Buffer.from(this.#key) : this.#key);
  }

  /** The error for the caller when the signal is aborted. `sent`: whether it may have been executed. */
  abortedBy(signal: AbortSignal, sent: boolean): unknown {
    return this.#abortedError ? aborted(this, sent, signal.reason) : signal.reason;
  }

  /** The key as text that is the same for the same bytes. */
  get keyText(): string {
    this.#keyText ??= Buffer.from(this.#key).toString('latin1');
    return this.#keyText;
  }
}

function aborted(request: Request, sent: boolean, cause: unknown): StateStoreError {
  const { operation, key } = request;
  const unknown = sent && isWrite(request);
  const words = unknown
    ? {
        problem: `The request to ${actionOf(request)} was aborted`,
        advice: 'It may or may not have been applied. Get the key to find out.',
      }
    : causeFirst('The request was aborted', notDone(request));
  return new StateStoreError('ABORTED', words, {
    operation,
    key,
    cause,
    applied: unknown ? 'unknown' : 'no',
  });
}
