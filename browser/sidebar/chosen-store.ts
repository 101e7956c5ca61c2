/** All that the tab knows of the chosen store: its state, its keys, and the clock of the Node-RED that it is in. */
import { heldIn, Keys, type Seen } from './keys';
import { nothingScanned } from './listing';
import { memory } from './memory';
import type { Held, Shown } from './messages';
import type { PickedState } from './store-picker';

export class ChosenStore {
  keys = new Keys();
  state: PickedState | undefined;
  scanned = nothingScanned();
  /** Deleted values of other stores that can be set again. */
  readonly #restorable = new Map<string, [string, Held][]>();
  #id: string | undefined;
  /** The value of one key that was read as a whole. */
  #whole: { id: string; shown: Seen } | undefined;
  /** The clock of Node-RED less the clock of this browser, in milliseconds. */
  #aheadMs = 0;
  #filter = '';
  #showsInternal = false;

  get id(): string | undefined {
    return this.#id;
  }

  /** The time of Node-RED, in milliseconds since 1970. */
  get now(): number {
    return Date.now() + this.#aheadMs;
  }

  setClock(now: number): void {
    this.#aheadMs = now - Date.now();
  }

  /** Whether there is a store, and the user may look into it. */
  get isOpen(): boolean {
    return this.#id !== undefined && this.state?.kind !== 'forbidden';
  }

  /** Whether the store lists its keys, and reports when they expire. */
  get lists(): boolean {
    return Boolean(this.state?.lists);
  }

  /** Whether the store lists its keys on request. */
  get scans(): boolean {
    return Boolean(this.state?.scans);
  }

  setFilter(text: string): void {
    this.#filter = text;
    this.keys.setFilter(text);
  }

  /** Whether keys that Node-RED's shared context writes for itself are shown. */
  showInternal(shows: boolean): void {
    this.#showsInternal = shows;
    this.keys.showInternal(shows);
  }

  /** Chooses a store; what is known of the one before is forgotten, except values that can be set again. */
  choose(id: string): void {
    if (id !== this.#id) {
      if (this.#id) this.#restorable.set(this.#id, this.keys.restorable);
      this.clear();
      this.keys.restore(this.#restorable.get(id) ?? []);
      this.#id = id;
    }
    this.keys.setLooked(memory.looked(id));
  }

  /** Forgets what came from this store. */
  clear(): void {
    this.keys = new Keys();
    this.setFilter(this.#filter);
    this.showInternal(this.#showsInternal);
    this.#whole = undefined;
    this.state = undefined;
    this.scanned = nothingScanned();
  }

  /** Forgets what came from any store. */
  forgetAll(): void {
    this.#restorable.clear();
    this.clear();
  }

  /** Takes in what the runtime sent of a key; returns whether its value differs from the known one. */
  update(id: string, shown: Shown): boolean {
    // The whole value that was read may be newer than this message.
    if (id === this.#whole?.id && heldIn(shown)?.version !== heldIn(this.#whole.shown)?.version)
      this.#whole = undefined;
    return this.keys.update(id, shown);
  }

  setWhole(id: string, shown: Shown): void {
    this.#whole = { id, shown };
  }

  forgetWhole(): void {
    this.#whole = undefined;
  }

  /** The whole value of a key, if it was read. */
  wholeOf(id: string): Seen | undefined {
    return this.#whole?.id === id ? this.#whole.shown : undefined;
  }

  /** Adds a key that the user looked up, unless it is known for another reason. */
  lookUp(id: string): void {
    const entry = this.keys.get(id);
    if (!entry?.named && !entry?.listed) this.#look((looked) => [...looked, id]);
  }

  /** Takes back {@link lookUp}. */
  forget(id: string): void {
    this.#look((looked) => looked.filter((one) => one !== id));
    this.keys.drop(id);
  }

  #look(change: (looked: string[]) => string[]): void {
    const id = this.#id;
    if (id === undefined) return;
    memory.look(id, change(memory.looked(id)));
    this.keys.setLooked(memory.looked(id));
  }
}
