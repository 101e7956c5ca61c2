/** Something that has a place in the order. The order keeps its own bookkeeping in both fields. */
export interface Ordered {
  /** Counts what was ever added, from 1. */
  number: number;
  /** Where it is now. */
  place: number;
}

/** Places of removed entries are kept until they are so many and at least half of all. */
const MIN_HOLES = 1024;

/**
 * Entries in the order in which they were added, so that a list can go on after any number. `add` and `remove` cost O(1) on average, finding a number
 * O(log n).
 */
export class KeyOrder<T extends Ordered> {
  #entries: (T | undefined)[] = [];
  /** The number at each place, also of removed entries. */
  #numbers: number[] = [];
  #last = 0;
  #holes = 0;

  add(entry: T): void {
    entry.number = ++this.#last;
    entry.place = this.#entries.length;
    this.#entries.push(entry);
    this.#numbers.push(entry.number);
  }

  /** Puts an entry into the place of another one. */
  replace(old: T, entry: T): void {
    entry.number = old.number;
    entry.place = old.place;
    this.#entries[entry.place] = entry;
  }

  remove(entry: T): void {
    this.#entries[entry.place] = undefined;
    this.#holes++;
    if (this.#holes >= MIN_HOLES && this.#holes * 2 > this.#entries.length) this.#compact();
  }

  /** The entries whose number is greater, in order. They may not be added or removed meanwhile. */
  *after(number: number): Generator<T, void, undefined> {
    for (let place = this.#placeAfter(number); place < this.#entries.length; place++) {
      const entry = this.#entries[place];
      if (entry) yield entry;
    }
  }

  #placeAfter(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#numbers[middle] as number) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    const entries = this.#entries.filter((entry) => entry !== undefined);
    entries.forEach((entry, place) => {
      entry.place = place;
    });
    this.#entries = entries;
    this.#numbers = entries.map((entry) => entry.number);
    this.#holes = 0;
  }
}
