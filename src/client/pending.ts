import type { Request, Response } from './request';
import type { RequestPacket } from './request-packets';

/** A request with all that belongs to its one outcome. */
export class Pending {
  readonly request: Request;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadline: number;
  timer: NodeJS.Timeout | undefined;
  onAbort: (() => void) | undefined;
  settled = false;
  /** Set from the publish until the answer: the correlation data. */
  correlation: string | undefined;
  /** Set from the publish until PUBACK: the packet identifier. */
  packetId: number | undefined;
  /** Set from the publish until PUBACK: what was published. */
  packet: RequestPacket | undefined;
  /** Number of the connection it was published on last. */
  sentOn = 0;
  /** Whether it was published more than once. */
  repeated = false;
  /** How many answers had matched no request when this one was published. */
  strayBefore = 0;

  constructor(request: Request, resolve: Pending['resolve'], reject: Pending['reject']) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
    this.deadline = performance.now() + request.timeout;
  }

  /** What is left of its time, in whole seconds, rounded up, from 1. */
  get secondsLeft(): number {
    return Math.max(1, Math.ceil((this.deadline - performance.now()) / 1000));
  }

  /** Whether the answer can no longer be expected in time: sent now, a write might be applied after it was given up. */
  get isTooLate(): boolean {
    return this.deadline - performance.now() < Math.min(LAST_MOMENT_MS, this.request.timeout / 10);
  }
}

/** The last part of a request's time in which it is not sent any more, in milliseconds; a tenth of its time if that is less. */
const LAST_MOMENT_MS = 100;
