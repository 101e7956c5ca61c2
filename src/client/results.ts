/** The results of calls, and how they are read from the store's responses. */
import type { ErrorContext } from '../errors';
import {
  parseDeleteReply,
  parseGetReply,
  parseObserveReply,
  parseSetReply,
  reply,
} from '../protocol/responses';
import type { Answer, ReadAnswer } from './request';

/** The result of a set. */
export interface SetResult {
  /** False if the condition did not hold. */
  stored: boolean;
  /** Version of the value that is now in the store, if the store returned it. */
  version?: string;
}

/** A key that was found. Its value may be empty. */
export interface FoundValue<Value> {
  /** The key exists. */
  found: true;
  /** The value of the key. */
  value: Value;
  /** Version of the value. It is also a fencing token. */
  version?: string;
}

/** A key that does not exist. */
export interface MissingKey {
  /** The key does not exist. */
  found: false;
}

/** The result of a get. */
export type GetResult = FoundValue<Buffer> | MissingKey;

/** The result of a delete. */
export interface DeleteResult {
  /** Whether the key was deleted. */
  deleted: boolean;
  /** Distinguishes a missing key from a key with another value (`deleteIfValue`). */
  found: boolean;
  /** Version of the delete, if the store returned it. */
  version?: string;
}

export function readSet(answer: Answer, version: string | undefined, context: ErrorContext): SetResult {
  const stored = answer.hasPayload(reply.ok) || parseSetReply(answer.payload, context);
  return version === undefined ? { stored } : { stored, version };
}

/** A value found where it is: `isOwn` says that nothing else uses its memory. Otherwise its bytes are gone when this returns. */
export type TakeValue<Value> = (bytes: Buffer, isOwn: boolean) => Value;

/** A reader of the response to GET. `take` makes the value. */
export function getReader<Value>(take: TakeValue<Value>): ReadAnswer<FoundValue<Value> | MissingKey> {
  return (answer, version, context) => {
    const bytes = parseGetReply(answer.payload, context);
    if (bytes === null) return { found: false };
    const value = take(bytes, answer.hasOwnMemory);
    return version === undefined ? { found: true, value } : { found: true, value, version };
  };
}

export const readGet = getReader((bytes, isOwn) => (isOwn ? bytes : Buffer.from(bytes)));

export function readDelete(
  { payload }: Answer,
  version: string | undefined,
  context: ErrorContext,
): DeleteResult {
  const outcome = parseDeleteReply(payload, context);
  const versioned = version === undefined ? {} : { version };
  return { deleted: outcome === 'deleted', found: outcome !== 'missing', ...versioned };
}

/** The version of the response to KEYNOTIFY. */
export function readObserve(
  { payload }: Answer,
  version: string | undefined,
  context: ErrorContext,
): string | undefined {
  parseObserveReply(payload, context);
  return version;
}
