import type { Items } from '../protocol/resp3';
import type { Request } from './request';
import type { RequestPacket } from './request-packets';
import { timeLeft } from './time-left';

interface Outcome {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Requests of the same timeout, and so in the order of their deadlines. */
export interface PendingQueue {
  /** Milliseconds. */
  timeout: number;
  first: Pending | undefined;
  last: Pending | undefined;
  timer: NodeJS.Timeout;
}

/** Where a request waits. `late`: its answer could not come in time any more, so that it only waits for its deadline. */
export type Lane = 'urgent' | 'usual' | 'late';

/** A request with all that belongs to its one outcome. */
export class Pending {
  readonly request: Request;
  readonly resolve: Outcome['resolve'];
  readonly reject: Outcome['reject'];
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadline: number;
  /** Its place among those of the same timeout, while it has one; see `deadlines.ts`. */
  queue: PendingQueue | undefined = undefined;
  earlier: Pending | undefined = undefined;
  later: Pending | undefined = undefined;
  /** Its place among the requests that wait, while it has one; see `request-queue.ts`. */
  lane: Lane | undefined = undefined;
  previous: Pending | undefined = undefined;
  next: Pending | undefined = undefined;
  settled = false;
  /** Until the publish; encoded where it has to wait, since the caller may change its bytes meanwhile. */
  payload: Buffer | Items | undefined;
  /** Whether it was published, and the broker may know it. */
  sent = false;
  /** Whether it was published into a session that is gone, before it came to wait again: it may have been executed. */
  sentBefore = false;
  /** From the publish on: the packet identifier. */
  packetId = 0;
  /** Counts publishes of new requests. */
  order = 0;
  /** Whether there was a PUBACK, or there will be none. */
  acknowledged = false;
  /** Set from the publish until the outcome: what was published. */
  packet: RequestPacket | undefined = undefined;
  /** Number of the connection it was published on last. */
  sentOn = 0;
  /** Whether it was published more than once. */
  repeated = false;
  /** How many answers had matched no request when this one was published. */
  strayBefore = 0;

  constructor(
    request: Request,
    payload: Buffer | Items,
    resolve: Outcome['resolve'],
    reject: Outcome['reject'],
    now: number,
  ) {
    this.request = request;
    this.payload = payload;
    this.resolve = resolve;
    this.reject = reject;
    this.deadline = now + request.timeout;
  }

  /** Whether it may have been executed, as far as its publishes tell. */
  get wasSent(): boolean {
    return this.sent || this.sentBefore;
  }

  /** What is left of its time, in whole seconds, rounded up, from 1. */
  secondsLeft(now: number): number {
    return Math.max(1, Math.ceil((this.deadline - now) / 1000));
  }

  /** Whether the answer can no longer be expected in time: sent now, a write might be applied after it was given up. */
  isTooLate(now: number): boolean {
    return timeLeft(this.deadline, this.request.timeout, now) === undefined;
  }
}
