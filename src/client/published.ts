import type { Pending } from './pending';

/**
 * The publishes that take a place in flight: not both answered (or given up) and acknowledged. They are found by their packet identifiers,
 * without a map, because every request comes and goes.
 */
export class Published {
  /** By the lower bits of the packet identifiers, which are given out one after the other. */
  readonly #places: (Pending | undefined)[];
  readonly #mask: number;
  #size = 0;

  /** `most`: how many there can be at a time. */
  constructor(most: number) {
    // Twice as many places: a free one is never far.
    const places = 2 ** Math.ceil(Math.log2(2 * most));
    this.#places = new Array<Pending | undefined>(places).fill(undefined);
    this.#mask = places - 1;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether a packet identifier must not be given out now. */
  isTaken(packetId: number): boolean {
    return this.#places[packetId & this.#mask] !== undefined;
  }

  /** Its packet identifier must not be taken. */
  add(pending: Pending): void {
    this.#places[pending.packetId & this.#mask] = pending;
    this.#size++;
  }

  get(packetId: number): Pending | undefined {
    const pending = this.#places[packetId & this.#mask];
    return pending?.packetId === packetId ? pending : undefined;
  }

  delete(pending: Pending): void {
    if (this.get(pending.packetId) !== pending) return;
    this.#places[pending.packetId & this.#mask] = undefined;
    this.#size--;
  }

  clear(): void {
    this.#places.fill(undefined);
    this.#size = 0;
  }

  /** All of them, in the order in which they were published first. */
  inOrder(): Pending[] {
    const all = this.#places.filter((place) => place !== undefined);
    return all.sort((a, b) => a.order - b.order);
  }
}
