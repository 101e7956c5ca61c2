interface Entry<Value> {
  readonly key: number;
  value: Value;
  /** The next one with the same place. */
  next: Entry<Value> | undefined;
  /** In the order in which they came. */
  earlier: Entry<Value> | undefined;
  later: Entry<Value> | undefined;
}

const LEAST_PLACES = 16;

/**
 * A map from whole numbers from 0, in the order in which they came, for what comes and goes by the thousand. V8's own `Map` makes a new
 * table again and again, and each of its tables points at the one that followed it: when one of them has become old, all that was ever
 * in those after it stays in memory until the next full garbage collection, and until then costs more time than all else.
 */
export class NumberMap<Value> {
  #places: (Entry<Value> | undefined)[] = places(LEAST_PLACES);
  #first: Entry<Value> | undefined;
  #last: Entry<Value> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: number): Value | undefined {
    return this.#find(key)?.value;
  }

  has(key: number): boolean {
    return this.#find(key) !== undefined;
  }

  /** A key that is there keeps its place in the order. */
  set(key: number, value: Value): void {
    const known = this.#find(key);
    if (known) {
      known.value = value;
      return;
    }
    if (this.#size === this.#places.length) this.#grow();
    const entry: Entry<Value> = { key, value, next: undefined, earlier: this.#last, later: undefined };
    if (this.#last) this.#last.later = entry;
    else this.#first = entry;
    this.#last = entry;
    this.#size++;
    this.#put(entry);
  }

  /** Returns whether it was there. */
  delete(key: number): boolean {
    const place = this.#placeOf(key);
    let before: Entry<Value> | undefined;
    let entry = this.#places[place];
    for (; entry && entry.key !== key; entry = entry.next) before = entry;
    if (!entry) return false;
    const { next, earlier, later } = entry;
    if (before) before.next = next;
    else this.#places[place] = next;
    if (earlier) earlier.later = later;
    else this.#first = later;
    if (later) later.earlier = earlier;
    else this.#last = earlier;
    // An old entry that points at new ones would keep them in memory.
    entry.next = entry.earlier = entry.later = undefined;
    this.#size--;
    return true;
  }

  clear(): void {
    for (const { key } of this.#entries()) this.delete(key);
  }

  /** A list of its own: the map may change while one goes through it. */
  values(): Value[] {
    return this.#entries().map(({ value }) => value);
  }

  #entries(): Entry<Value>[] {
    const entries: Entry<Value>[] = [];
    for (let entry = this.#first; entry; entry = entry.later) entries.push(entry);
    return entries;
  }

  #find(key: number): Entry<Value> | undefined {
    let entry = this.#places[this.#placeOf(key)];
    while (entry && entry.key !== key) entry = entry.next;
    return entry;
  }

  #put(entry: Entry<Value>): void {
    const place = this.#placeOf(entry.key);
    entry.next = this.#places[place];
    this.#places[place] = entry;
  }

  /** Keys are given out one after the other: their last bits spread them as well as it can be done. */
  #placeOf(key: number): number {
    return key % this.#places.length;
  }

  #grow(): void {
    this.#places = places(this.#places.length * 2);
    for (let entry = this.#first; entry; entry = entry.later) this.#put(entry);
  }
}

function places<Value>(count: number): (Entry<Value> | undefined)[] {
  return new Array<Entry<Value> | undefined>(count).fill(undefined);
}
