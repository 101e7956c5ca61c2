/** Requests that wait to be published: in order, bounded in number and in bytes. */
import type { Lane, Pending } from './pending';

export interface QueueLimits {
  /** Maximum number of waiting requests, from 1. */
  queueLimit: number;
  /** Maximum bytes of waiting requests, from 1. One request of any size may wait alone. */
  queueByteLimit: number;
}

/** Decides whether a request would overtake another one of its key. */
export interface KeyOrder {
  mayPublish(pending: Pending): boolean;
}

/** A search for a request that may go out ends after so many that may not, so that a queue for one busy key costs little. */
const MAX_PASSED_OVER = 256;

/**
 * Urgent requests go first, and the limits do not count them: a lease that is not renewed because others filled the queue would be
 * lost. Within a lane the order of the calls is kept.
 */
export class RequestQueue {
  readonly #limits: QueueLimits;
  readonly #lanes: Record<Lane, Line> = { urgent: new Line(), usual: new Line(), late: new Line() };
  /** Of the lane `usual`. */
  #bytes = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Number of requests that wait, late ones included. */
  get size(): number {
    const { urgent, usual, late } = this.#lanes;
    return urgent.size + usual.size + late.size;
  }

  /** Bytes of the waiting requests that the limits count. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Which limit leaves no room for one more request that is not urgent. */
  fullBy(bytes: number): 'number' | 'bytes' | undefined {
    const { size } = this.#lanes.usual;
    if (size >= this.#limits.queueLimit) return 'number';
    if (size > 0 && this.#bytes + bytes > this.#limits.queueByteLimit) return 'bytes';
    return undefined;
  }

  /** Whether a request that comes now has to wait for others. */
  isBehindOthers(urgent: boolean): boolean {
    const { urgent: first, usual } = this.#lanes;
    return first.size > 0 || (!urgent && usual.size > 0);
  }

  /** Appends a request to its lane. Its payload must be encoded. */
  add(pending: Pending): void {
    const lane = pending.request.urgent ? 'urgent' : 'usual';
    if (lane === 'usual') this.#bytes += bytesOf(pending);
    pending.lane = lane;
    this.#lanes[lane].add(pending, undefined);
  }

  /** Puts requests that were published before back in front of their lanes, in this order. */
  putBack(all: readonly Pending[]): void {
    for (const pending of [...all].reverse()) {
      const lane = pending.request.urgent ? 'urgent' : 'usual';
      if (lane === 'usual') this.#bytes += bytesOf(pending);
      pending.lane = lane;
      this.#lanes[lane].add(pending, this.#lanes[lane].first);
    }
  }

  /** Removes a request, if it waits. Its payload must be the one it came with. */
  delete(pending: Pending): void {
    const { lane } = pending;
    if (lane === undefined) return;
    if (lane === 'usual') this.#bytes -= bytesOf(pending);
    this.#lanes[lane].delete(pending);
    pending.lane = undefined;
  }

  /**
   * Removes and returns the first request of a lane that may be published at `now`, on the monotonic clock. Late requests are set
   * aside; a request that would overtake another one of its key is passed over.
   */
  take(lane: 'urgent' | 'usual', now: number, order: KeyOrder): Pending | undefined {
    let passedOver = 0;
    for (let pending = this.#lanes[lane].first; pending; ) {
      const { next } = pending;
      if (pending.isTooLate(now)) {
        this.#setAside(pending);
      } else if (order.mayPublish(pending)) {
        this.delete(pending);
        return pending;
      } else if (++passedOver === MAX_PASSED_OVER) {
        return undefined;
      }
      pending = next;
    }
    return undefined;
  }

  /** Leaves a request out that has no time left to be sent, until its deadline. */
  #setAside(pending: Pending): void {
    this.delete(pending);
    pending.lane = 'late';
    this.#lanes.late.add(pending, undefined);
  }

  /** All requests that wait, in the order in which they would go out. */
  all(): Pending[] {
    const { urgent, usual, late } = this.#lanes;
    return [...urgent, ...usual, ...late];
  }
}

function bytesOf({ payload }: Pending): number {
  return Buffer.isBuffer(payload) ? payload.length : 0;
}

/** A doubly linked list: thousands may wait, and any one may be aborted. */
class Line {
  first: Pending | undefined = undefined;
  #last: Pending | undefined = undefined;
  size = 0;

  /** Adds in front of `next`, or at the end. */
  add(pending: Pending, next: Pending | undefined): void {
    const previous = next ? next.previous : this.#last;
    pending.previous = previous;
    pending.next = next;
    if (previous) previous.next = pending;
    else this.first = pending;
    if (next) next.previous = pending;
    else this.#last = pending;
    this.size++;
  }

  delete(pending: Pending): void {
    const { previous, next } = pending;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.#last = previous;
    // An old object that points at new ones would keep them from being collected.
    pending.previous = pending.next = undefined;
    this.size--;
  }

  *[Symbol.iterator](): Generator<Pending> {
    for (let one = this.first; one; ) {
      const { next } = one;
      yield one;
      one = next;
    }
  }
}
