/** Which keys of a store the tab shows, why, and what is known of each. */
import { textOf } from './key';
import type { Held, NamedKey, Shown } from './messages';

/** Values that are kept of keys that are not visible any more. */
const MAX_KEPT = 1000;

type Naming = Omit<NamedKey, 'key'>;

export interface Entry {
  id: string;
  text: string;
  /** The text in lower case, for the filter. */
  lower: string;
  /** Written by Node-RED's shared context for itself. */
  internal: boolean;
  named: Naming | undefined;
  /** The user looked this key up. */
  looked: boolean;
  listed: boolean;
  /** Listed, though not again yet since the list was begun once more. */
  stale: boolean;
  /** The key stays, because its deleted value can be set again. */
  restorable: boolean;
}

/** What is known of a key; `last` is the value it held before it was gone, if all of that is known. */
export type Seen = Held | (Exclude<Shown, Held> & { last?: Held | undefined });

/** The value of a key that has one. */
export const heldIn = (seen: Seen | undefined): Held | undefined =>
  seen && 'found' in seen && seen.found ? seen : undefined;

/** The last value of a key that is gone. */
export const lastIn = (seen: Seen | undefined): Held | undefined =>
  seen && 'last' in seen ? seen.last : undefined;

const isMissing = (seen: Seen): boolean => 'found' in seen && !seen.found;
const versionIn = (seen: Seen): string | undefined => heldIn(seen)?.version;

/** Keys of Node-RED's shared context that hold no value of a flow. */
const isInternal = (text: string): boolean => /(^|\/)\$(life|scopes|index(\/.*)?)$/.test(text);

export class Keys {
  readonly #all = new Map<string, Entry>();
  readonly #shown = new Map<string, Seen>();
  #sorted: string[] | undefined;
  #filter = '';
  #showsInternal = false;
  #kept: string | undefined;

  /** The keys that nodes name. */
  setNamed(named: NamedKey[]): void {
    for (const one of this.#all.values()) one.named = undefined;
    for (const { key, ...rest } of named) this.#entry(key).named = rest;
    this.#clean();
  }

  setLooked(ids: string[]): void {
    for (const one of this.#all.values()) one.looked = false;
    for (const id of ids) this.#entry(id).looked = true;
    this.#clean();
  }

  /** Keys that the store itself lists. */
  addListed(ids: string[]): void {
    for (const id of ids) Object.assign(this.#entry(id), { listed: true, stale: false });
    this.#sorted = undefined;
  }

  removeListed(id: string): void {
    const one = this.#all.get(id);
    if (!one) return;
    Object.assign(one, { listed: false, stale: false });
    this.#clean();
  }

  /** Before all keys are listed once more. The function that it returns removes the keys that were not listed again. */
  beginListing(): () => void {
    for (const one of this.#all.values()) one.stale = one.listed;
    return () => {
      for (const one of this.#all.values())
        if (one.stale) Object.assign(one, { listed: false, stale: false });
      this.#clean();
    };
  }

  /** A key that stays as long as it is selected. */
  keep(id: string | undefined): void {
    this.#kept = id;
    if (id) {
      const one = this.#entry(id);
      const shown = this.#shown.get(id);
      if (shown && isMissing(shown) && lastIn(shown)) one.restorable = true;
    }
    this.#clean();
  }

  /** Before a key is deleted here: it stays, with its value. The function that it returns undoes this. */
  beforeDeleting(id: string): () => void {
    const one = this.#entry(id);
    const before = one.restorable;
    one.restorable = true;
    return () => {
      one.restorable = before;
      this.#clean();
    };
  }

  /** The values that can be set again, by ID. */
  get restorable(): [id: string, last: Held][] {
    return [...this.#all.values()].flatMap(({ id, restorable }): [string, Held][] => {
      const shown = this.#shown.get(id);
      const last = heldIn(shown) ?? lastIn(shown);
      return restorable && last && !last.cut ? [[id, last]] : [];
    });
  }

  /** Takes in {@link restorable} of an earlier list. */
  restore(all: [id: string, last: Held][]): void {
    for (const [id, last] of all) {
      this.#entry(id).restorable = true;
      this.#shown.set(id, { found: false, last });
    }
  }

  /** Keeps a deleted key no longer. */
  drop(id: string): void {
    const one = this.#all.get(id);
    const shown = this.#shown.get(id);
    if (!one?.restorable || !shown) return;
    one.restorable = false;
    this.#shown.set(id, heldIn(shown) ?? { ...shown, last: undefined });
    this.#clean();
  }

  get(id: string): Entry | undefined {
    return this.#all.get(id);
  }

  get size(): number {
    return this.#all.size;
  }

  setFilter(text: string): void {
    this.#filter = text.toLowerCase();
    this.#sorted = undefined;
  }

  /** Whether {@link visible} has the keys of Node-RED's shared context that hold no value of a flow. */
  showInternal(shows: boolean): void {
    this.#showsInternal = shows;
    this.#sorted = undefined;
  }

  /** The number of these keys. */
  get internal(): number {
    let count = 0;
    for (const { internal } of this.#all.values()) if (internal) count++;
    return count;
  }

  /** IDs of the keys whose text contains the filter, in the order of their texts. */
  get visible(): string[] {
    this.#sorted ??= [...this.#all.values()]
      .filter(({ lower, internal }) => lower.includes(this.#filter) && (this.#showsInternal || !internal))
      .sort((a, b) => (a.text < b.text ? -1 : 1))
      .map(({ id }) => id);
    return this.#sorted;
  }

  shown(id: string): Seen | undefined {
    return this.#shown.get(id);
  }

  /** Takes in what the runtime sent; returns whether the value differs from the known one. */
  update(id: string, shown: Shown): boolean {
    const before = this.#shown.get(id);
    const held = heldIn(before) ?? lastIn(before);
    const last = held?.cut ? undefined : held;
    const seen: Seen = heldIn(shown) ?? { ...(shown as Exclude<Shown, Held>), last };
    this.#shown.delete(id);
    this.#shown.set(id, seen);
    const one = this.#all.get(id);
    if (one && isMissing(seen)) one.restorable = last !== undefined && (one.restorable || id === this.#kept);
    if (one && heldIn(seen) && before && !heldIn(before)) one.restorable = false;
    this.#forgetOldest();
    if (before === undefined) return false;
    return versionIn(before) !== versionIn(seen) || isMissing(before) !== isMissing(seen);
  }

  #forgetOldest(): void {
    if (this.#shown.size <= MAX_KEPT) return;
    for (const id of this.#shown.keys()) {
      if (this.#all.get(id)?.restorable) continue;
      this.#shown.delete(id);
      return;
    }
  }

  #entry(id: string): Entry {
    const known = this.#all.get(id);
    if (known) return known;
    const text = textOf(id);
    const one: Entry = {
      id,
      text,
      lower: text.toLowerCase(),
      internal: isInternal(text),
      named: undefined,
      looked: false,
      listed: false,
      stale: false,
      restorable: false,
    };
    this.#all.set(id, one);
    this.#sorted = undefined;
    return one;
  }

  #clean(): void {
    for (const [id, { named, looked, listed, restorable }] of this.#all) {
      if (named || looked || listed || restorable || id === this.#kept) continue;
      this.#all.delete(id);
      this.#shown.delete(id);
      this.#sorted = undefined;
    }
  }
}
