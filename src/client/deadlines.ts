import type { Pending, PendingQueue } from './pending';

/** Tells of each request when its time is over, with one timer for all of the same timeout. */
export class Deadlines {
  readonly #onDeadline: (pending: Pending) => void;
  /** By their timeouts. */
  readonly #queues = new Map<number, PendingQueue>();

  /** Calls `onDeadline` for each request that is not removed before. */
  constructor(onDeadline: (pending: Pending) => void) {
    this.#onDeadline = onDeadline;
  }

  /** To be called in the order in which the requests began. */
  add(pending: Pending): void {
    const { timeout } = pending.request;
    const queue = this.#queues.get(timeout) ?? this.#newQueue(timeout);
    pending.queue = queue;
    pending.earlier = queue.last;
    if (queue.last) queue.last.later = pending;
    else queue.first = pending;
    queue.last = pending;
  }

  /** Does nothing for what was removed, or told, before. */
  remove(pending: Pending): void {
    const { queue, earlier, later } = pending;
    if (!queue) return;
    if (earlier) earlier.later = later;
    else queue.first = later;
    if (later) later.earlier = earlier;
    else queue.last = earlier;
    // An old object that points at new ones would keep them from being collected.
    pending.queue = pending.earlier = pending.later = undefined;
    if (queue.first) return;
    clearTimeout(queue.timer);
    this.#queues.delete(pending.request.timeout);
  }

  #newQueue(timeout: number): PendingQueue {
    const queue: PendingQueue = { first: undefined, last: undefined, timer: undefined };
    queue.timer = setTimeout(this.#onTimer, timeout, queue);
    this.#queues.set(timeout, queue);
    return queue;
  }

  /** Most of those the timer was set for are long answered: then it is set anew, for the first that is not. */
  readonly #onTimer = (queue: PendingQueue): void => {
    for (;;) {
      const { first } = queue;
      if (!first) return;
      const left = first.deadline - performance.now();
      if (left > 0) {
        queue.timer = setTimeout(this.#onTimer, Math.ceil(left), queue);
        return;
      }
      this.remove(first);
      this.#onDeadline(first);
    }
  };
}
