/** Which keys the chosen store has: all of them, page by page, or those of a prefix where it lists them on request. */
import type { ChosenStore } from './chosen-store';
import type { Watch } from './watch';

/** How soon a store that lists keys on request is asked for them again, and how long typing in the filter rests before. */
const RESCAN_MS = 30_000;
const TYPING_MS = 300;

interface Options {
  store: ChosenStore;
  /** The watch on the store; undefined while there is none. */
  watch(): Watch | undefined;
  /** Called when there is something to show. */
  onKeys(): void;
}

export class Listing {
  readonly #store: ChosenStore;
  readonly #options: Options;
  /** Counts what was begun: only the last one counts. */
  #number = 0;
  #scanning: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#store = options.store;
    this.#options = options;
  }

  /** Lists all keys. The first page is shown at once. */
  async all(): Promise<void> {
    const watch = this.#options.watch();
    if (!watch) return;
    const isOver = this.#begin(watch);
    const { keys } = this.#store;
    const end = keys.beginListing();
    try {
      for (let more = true, again = true; more; again = false) {
        const page = await watch.list(again, '');
        if (isOver()) return;
        keys.addListed(page.keys);
        more = page.more;
        this.#options.onKeys();
      }
      end();
      this.#options.onKeys();
    } catch {
      // After a reconnect the runtime asks the page to list all keys again.
    }
  }

  /** Lists the first page of the keys with this prefix, again after a while: the store does not report which keys come and go. */
  async scan(prefix: string): Promise<void> {
    this.stop();
    const watch = this.#options.watch();
    if (!watch) return;
    const isOver = this.#begin(watch);
    const { keys } = this.#store;
    const end = keys.beginListing();
    try {
      const page = await watch.list(true, prefix);
      if (isOver()) return;
      keys.addListed(page.keys);
      end();
      this.#store.scanned = { prefix, more: page.more };
    } catch {
      // The state of the store says what is wrong.
    }
    if (isOver()) return;
    this.#options.onKeys();
    this.#scanning = setTimeout(() => void this.scan(prefix), RESCAN_MS);
  }

  /** Asks the store for the keys of the filter, unless all of them are known. */
  scanFilter(text: string): void {
    const { scanned, scans } = this.#store;
    if (!scans || text === scanned.prefix || (text.startsWith(scanned.prefix) && !scanned.more)) return;
    this.stop();
    this.#scanning = setTimeout(() => void this.scan(text), TYPING_MS);
  }

  /** Asks the store no more. */
  stop(): void {
    clearTimeout(this.#scanning);
  }

  /** The function that it returns says whether another listing was begun, or another store chosen. */
  #begin(watch: Watch): () => boolean {
    const number = ++this.#number;
    return () => number !== this.#number || watch !== this.#options.watch();
  }
}
