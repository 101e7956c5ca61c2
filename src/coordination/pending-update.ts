import type { SetOptions } from '../client/options';
import { timeLeft } from '../client/time-left';

export type NewValue = string | Uint8Array | undefined;

/** The outcome of an update that ended well. */
export interface UpdateResult {
  /** Whether the value changed. False if the change returned the bytes it got, or `undefined` for a missing key. */
  updated: boolean;
  /** The value before, `undefined` if the key was missing. */
  before: Buffer | undefined;
  /** The value now, `undefined` if the key is missing. */
  value: Buffer | undefined;
  /** Of the write that contains the change. Absent if nothing was written. */
  version?: string;
}

/** An update as its caller asks for it. */
export interface UpdateJob {
  change(value: Buffer | undefined): NewValue | Promise<NewValue>;
  /** Of the lease, in milliseconds. */
  duration: number;
  /** Milliseconds until the update must be applied. */
  timeout: number;
  /** Options of the SET. */
  write: SetOptions;
  /** Goes to the store in place of the lock's token. */
  fencingToken?: string;
  signal?: AbortSignal;
}

/** An update that waits or is in flight. */
export interface PendingUpdate extends UpdateJob {
  /** On the monotonic clock, in milliseconds. */
  deadline: number;
  /** Whether the lock was acquired again because the update's own token is newer. */
  relocked: boolean;
  settled: boolean;
  /** Whether its value may have been sent: then a signal does not end it. */
  sent: boolean;
  resolve(result: UpdateResult): void;
  reject(error: unknown): void;
}

/** The updates that wait. */
export interface UpdateSource {
  /** Takes the first update that has time left, if `accepts` it. */
  take(accepts: (update: PendingUpdate) => boolean): PendingUpdate | undefined;
  /** Makes the update the first one again. Rejects it if its time is over. */
  putBack(update: PendingUpdate): void;
}

/** How a batch ended, for the next one of the same key. */
export interface BatchEnd {
  /** When the newest write that was applied began, on the monotonic clock; absent if the key may carry no token of this process. */
  guardedAt?: number;
  /** Whether a write may still arrive. */
  unknown: boolean;
}

/** Milliseconds left for the update, `undefined` if they are too few for a request. */
export function leftOf({ deadline, timeout }: PendingUpdate, now?: number): number | undefined {
  return timeLeft(deadline, timeout, now);
}
