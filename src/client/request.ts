/** What is asked of the store, and what it answered. */
import type { Operation } from '../protocol/errors';
import type { UserProperties } from '../protocol/user-properties';

export interface Request {
  operation: Operation;
  /** The key in printable form, for messages. */
  key: string;
  payload: Buffer;
  /** The key as the store knows it. */
  keyBytes: Uint8Array;
  fencingToken?: string | undefined;
  /** Whether executing it twice does no harm, and either answer will do. Requests that change no key are so by nature. */
  repeatable: boolean;
  /** Further user properties. */
  userProperties?: UserProperties | undefined;
  /** Milliseconds from now until the answer must be here. */
  timeout: number;
  signal?: AbortSignal | undefined;
}

export interface Response {
  payload: Buffer;
  /** User property `__ts`: the version of the value, or the store's clock. */
  version: string | undefined;
}
