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

/** Requests of the same signal, in the order in which they began. */
export interface PendingOfSignal {
  first: Pending | undefined;
  last: Pending | undefined;
}

/** Where a request waits. `late`: its answer could not come in time any more, so that it only waits for its deadline. */
export type Lane = 'urgent' | 'usual' | 'late';

/**
 * - `waiting`: in the queue, for its first publish or for the first one into a new session.
 * - `published`: on this connection, and not acknowledged.
 * - `acknowledged`: the broker took it. Its answer is outstanding.
 * - `held`: published on an earlier connection of this session, not acknowledged there, and not sent again. It may have arrived.
 * - `rejected`: the broker had no room for it (PUBACK with QUOTA_EXCEEDED). It is sent again after a pause.
 * - `lingering`: its caller has the outcome, but the PUBACK is outstanding, so that it keeps its place in flight.
 * - `settled`: it is over.
 */
export type Phase = 'waiting' | 'published' | 'acknowledged' | 'held' | 'rejected' | 'lingering' | 'settled';

/** A request with all that belongs to its one outcome. */
export class Pending {
  readonly request: Request;
  readonly resolve: Outcome['resolve'];
  readonly reject: Outcome['reject'];
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadline: number;
  phase: Phase = 'waiting';
  /**
   * How many of its publishes may have reached the store, up to now. With more than one, an answer may be to the first or to the
   * last of them.
   */
  copies = 0;
  /** Until the publish; encoded if it has to wait, since the caller may change its bytes meanwhile. */
  payload: Buffer | Items | undefined;
  /** From the publish until the outcome. If that is the response of the store, until the PUBACK. */
  packet: RequestPacket | undefined = undefined;
  /** From the publish on: the packet identifier. */
  packetId = 0;
  /** When it was last published, on the monotonic clock. */
  publishedAt = 0;
  /** How many bytes the connection had received then. */
  receivedBefore = 0;
  /** Counts publishes of new requests. */
  order = 0;
  /** How many answers had matched no request when this one was published. */
  straysBefore = 0;
  /** Its place among the requests of the same timeout, while it has one; see `deadlines.ts`. */
  queue: PendingQueue | undefined = undefined;
  earlier: Pending | undefined = undefined;
  later: Pending | undefined = undefined;
  /** Its place among the requests of the same signal, while it has one; see `signals.ts`. */
  ofSignal: PendingOfSignal | undefined = undefined;
  earlierOfSignal: Pending | undefined = undefined;
  laterOfSignal: Pending | undefined = undefined;
  /** Its place among the requests that wait, while it has one; see `request-queue.ts`. */
  lane: Lane | undefined = undefined;
  previous: Pending | undefined = undefined;
  next: Pending | undefined = undefined;

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

  /** Whether its caller has the outcome. */
  get isOver(): boolean {
    return this.phase === 'settled' || this.phase === 'lingering';
  }

  /** Whether the broker may still send a PUBACK for it on this connection. */
  get isUnacknowledged(): boolean {
    return this.phase === 'published' || this.phase === 'lingering';
  }

  /** Whether it may have been executed. */
  get mayBeExecuted(): boolean {
    return this.copies > 0;
  }

  /** Whether an answer may be to the second of two executions, and either answer will not do. */
  get isSecond(): boolean {
    return this.copies > 1 && !this.request.idempotent;
  }

  /** Whether it must not be sent again before it is known that it did not arrive. */
  get needsProof(): boolean {
    return this.copies > 0 && !this.request.idempotent;
  }

  /** What was published. Only before the outcome. */
  get publishedPayload(): Buffer {
    const { packet } = this;
    return packet ? packet.packet.subarray(packet.payloadAt) : Buffer.alloc(0);
  }

  /** Milliseconds from the call until `now`, on the monotonic clock. */
  ageMs(now: number): number {
    return now - this.deadline + this.request.timeout;
  }

  /** What is left of its time, in whole seconds, rounded up, from 1. */
  secondsLeft(now: number): number {
    return Math.max(1, Math.ceil((this.deadline - now) / 1000));
  }

  /** Whether the answer can no longer be expected in time: sent now, a write might be applied after its timeout was reported. */
  isTooLate(now: number): boolean {
    return timeLeft(this.deadline, this.request.timeout, now) === undefined;
  }
}
