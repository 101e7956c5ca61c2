/** What must not happen to a key that updates count: an update that is lost, or is applied twice. */

/** An update that a candidate reported as applied. */
export interface Counted {
  id: string;
  count: number;
}

/** Follows the values `COUNT ID` of the key in the order in which the store has them. */
export class Counter {
  readonly faults: string[] = [];
  /** The count of each update by its ID. */
  readonly #seen = new Map<string, number>();
  /** Counts that the store may have had while the key was not observed, with both ends. */
  readonly #unseen: { from: number; to: number }[] = [];
  #last: { count: number; id: string } | undefined;
  #blind: 'no' | 'kept' | 'lost' = 'no';

  /** The key is not observed from now on. `kept`: the store will have its memory when {@link value} is called again. */
  away(memory: 'kept' | 'lost'): void {
    this.#blind = this.#blind === 'lost' ? 'lost' : memory;
  }

  /**
   * The store has this value. A claim of an update sets the same value again, also as the first value of a store that lost its memory.
   */
  value(text: string): void {
    const [digits = '', id = ''] = text.split(' ');
    const count = Number(digits);
    const last = this.#last;
    const blind = this.#blind;
    this.#blind = 'no';
    this.#last = { count, id };
    if (id === last?.id && blind !== 'lost') {
      if (count !== last.count) this.faults.push(`${text} after ${last.count} ${last.id}`);
      return;
    }
    if (blind === 'lost') this.#unseen.push({ from: (last?.count ?? 0) + 1, to: Number.POSITIVE_INFINITY });
    if (blind === 'lost' || !last) this.#unseen.push({ from: 1, to: count - 1 });
    else if (blind === 'kept' && count > last.count)
      this.#unseen.push({ from: last.count + 1, to: count - 1 });
    else if (count !== last.count + 1)
      this.faults.push(`an update is lost: ${text} after ${last.count} ${last.id}`);
    const isClaim = blind === 'lost' && this.#seen.get(id) === count;
    if (this.#seen.has(id) && !isClaim) this.faults.push(`${id} is applied twice: ${text}`);
    this.#seen.set(id, count);
  }

  /** Updates that were reported as applied, and that the store never had. */
  missing(reported: readonly Counted[]): Counted[] {
    return reported.filter(
      ({ id, count }) =>
        !this.#seen.has(id) && !this.#unseen.some(({ from, to }) => count >= from && count <= to),
    );
  }

  get size(): number {
    return this.#seen.size;
  }
}
