/** Something that expires. The queue keeps its own bookkeeping in `queueIndex`. */
export interface Expiring {
  /** Milliseconds of the monotonic clock. */
  expiresAt: number;
  /** Position in the queue, -1 when it is in none. */
  queueIndex: number;
}

/**
 * Entries ordered by the time they expire: a binary heap that knows where each entry is, so that a key set
 * again or deleted leaves nothing behind. `next` costs O(1), every other operation O(log n).
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The entry that expires first. */
  next(): T | undefined {
    return this.#heap[0];
  }

  add(entry: T): void {
    this.#place(entry, this.#heap.length);
    this.#rise(entry);
  }

  /** Takes out an entry wherever it is; an entry that is in no queue is left alone. */
  remove(entry: T): void {
    const index = entry.queueIndex;
    if (index < 0) return;
    entry.queueIndex = -1;
    const last = this.#heap.pop() as T;
    if (last === entry) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: T): void {
    while (entry.queueIndex > 0) {
      const parent = this.#heap[(entry.queueIndex - 1) >> 1] as T;
      if (parent.expiresAt <= entry.expiresAt) return;
      this.#swap(parent, entry);
    }
  }

  #sink(entry: T): void {
    for (;;) {
      const left = this.#heap[2 * entry.queueIndex + 1];
      const right = this.#heap[2 * entry.queueIndex + 2];
      const child = left && right && right.expiresAt < left.expiresAt ? right : left;
      if (!child || child.expiresAt >= entry.expiresAt) return;
      this.#swap(entry, child);
    }
  }

  #swap(a: T, b: T): void {
    const index = a.queueIndex;
    this.#place(a, b.queueIndex);
    this.#place(b, index);
  }

  #place(entry: T, index: number): void {
    this.#heap[index] = entry;
    entry.queueIndex = index;
  }
}
