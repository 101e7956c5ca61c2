import type { Pending, PendingQueue } from './pending';

/** Calls back when the time of a request is over, with one timer for all requests with the same timeout. */
export class Deadlines {
  readonly #onDeadline: (pending: Pending) => void;
  /** By their timeouts. */
  readonly #queues = new Map<number, PendingQueue>();
  /** The queue that was the last to become empty. It is kept, because the next request may well need it; its timer holds nothing up. */
  #spare: PendingQueue | undefined;

  /** Calls `onDeadline` for each request that is not removed before. */
  constructor(onDeadline: (pending: Pending) => void) {
    this.#onDeadline = onDeadline;
  }

  /** To be called in the order in which the requests began. */
  add(pending: Pending): void {
    const { timeout } = pending.request;
    const queue = this.#queues.get(timeout) ?? this.#newQueue(timeout);
    if (!queue.first) queue.timer.ref();
    pending.queue = queue;
    pending.earlier = queue.last;
    if (queue.last) queue.last.later = pending;
    else queue.first = pending;
    queue.last = pending;
  }

  /** Does nothing if the request was removed or its time was over before. */
  remove(pending: Pending): void {
    const { queue, earlier, later } = pending;
    if (!queue) return;
    if (earlier) earlier.later = later;
    else queue.first = later;
    if (later) later.earlier = earlier;
    else queue.last = earlier;
    // An old object that points at new ones would keep them from being collected.
    pending.queue = pending.earlier = pending.later = undefined;
    if (!queue.first) this.#spareQueue(queue);
  }

  /** Nothing is left, and nothing comes any more: the timer that is kept would keep this in memory. */
  close(): void {
    if (this.#spare && !this.#spare.first) this.#dropQueue(this.#spare);
  }

  #newQueue(timeout: number): PendingQueue {
    const queue: PendingQueue = {
      ...{ timeout, first: undefined, last: undefined },
      timer: setTimeout(() => this.#onTimer(queue), timeout),
    };
    this.#queues.set(timeout, queue);
    return queue;
  }

  #spareQueue(queue: PendingQueue): void {
    queue.timer.unref();
    if (this.#spare === queue) return;
    if (this.#spare && !this.#spare.first) this.#dropQueue(this.#spare);
    this.#spare = queue;
  }

  #dropQueue(queue: PendingQueue): void {
    clearTimeout(queue.timer);
    this.#queues.delete(queue.timeout);
    if (this.#spare === queue) this.#spare = undefined;
  }

  /** Most requests that the timer was set for are answered: the timer is set again, for the first open request. */
  #onTimer(queue: PendingQueue): void {
    for (;;) {
      const { first } = queue;
      if (!first) {
        this.#dropQueue(queue);
        return;
      }
      const left = first.deadline - performance.now();
      if (left > 0) {
        queue.timer = setTimeout(() => this.#onTimer(queue), Math.ceil(left));
        return;
      }
      this.remove(first);
      this.#onDeadline(first);
    }
  }
}
