/** Which keys the chosen store has: all of them, or those of a prefix page by page where it lists them on request. */
import type { Keys } from './keys';
import type { KeyPage } from './messages';

/** How soon each page of a store that lists keys on request is read again, and how long typing in the filter rests before. */
const RESCAN_MS = 30_000;
const TYPING_MS = 300;
/** Pages of such a store that are shown. Each has at most 2,000 keys. */
export const MAX_PAGES = 50;

/** What was read of a store that lists its keys on request. */
export interface Scanned {
  prefix: string;
  /** Pages that are shown. */
  pages: number;
  /** Whether the store has more keys with this prefix. */
  more: boolean;
  /** Whether another page can be shown, and whether it is being read. */
  canGrow: boolean;
  isGrowing: boolean;
}

export const nothingScanned = (): Scanned => ({
  ...{ prefix: '', pages: 0, more: false, canGrow: false, isGrowing: false },
});

/** The watch on a store. */
interface Lister {
  /** The first page of the keys with this prefix, or the page at `place`. */
  list(prefix: string, place: string | undefined): Promise<KeyPage>;
}

/** The chosen store. */
interface ListingStore {
  readonly id: string | undefined;
  readonly keys: Keys;
  /** Whether it lists its keys on request. */
  readonly scans: boolean;
  scanned: Scanned;
}

interface Options {
  store: ListingStore;
  /** Undefined while there is no watch on the store. */
  watch(): Lister | undefined;
  /** Whether a page was refused because its place does not exist any more. */
  isNoPlace(refused: unknown): boolean;
  /** Called when there is something to show. */
  onKeys(): void;
}

/** A list on request. */
interface Scan {
  /** ID of the store. */
  store: string | undefined;
  prefix: string;
  /** Pages to show. */
  pages: number;
  /** The place to continue. Undefined if the list is to begin again. */
  next: string | undefined;
  isReading: boolean;
}

const newScan = (store: string | undefined, prefix: string): Scan => ({
  ...{ store, prefix, pages: 1, next: undefined, isReading: false },
});

export class Listing {
  readonly #store: ListingStore;
  readonly #options: Options;
  /** Counts what was begun: only the last one counts. */
  #number = 0;
  #scan = newScan(undefined, '');
  #rescan: ReturnType<typeof setTimeout> | undefined;
  #typing: ReturnType<typeof setTimeout> | undefined;

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
      let next: string | undefined;
      do {
        const page = await watch.list('', next);
        if (isOver()) return;
        keys.addListed(page.keys);
        next = page.next;
        this.#options.onKeys();
      } while (next !== undefined);
      end();
      this.#options.onKeys();
    } catch {
      // After a reconnect the runtime asks the page to list all keys again.
    }
  }

  /** Lists the keys with this prefix: one page, or as many pages as were shown of them before. */
  async scan(prefix: string): Promise<void> {
    const { id } = this.#store;
    if (id !== this.#scan.store || prefix !== this.#scan.prefix) this.#scan = newScan(id, prefix);
    await this.#read(true);
  }

  /** Lists one page more of the keys with the same prefix. */
  async more(): Promise<void> {
    const { scanned } = this.#store;
    if (!scanned.canGrow || scanned.isGrowing || scanned.prefix !== this.#scan.prefix) return;
    this.#scan.pages = scanned.pages + 1;
    scanned.isGrowing = true;
    this.#options.onKeys();
    // If pages are being read again now, this page follows them.
    if (!this.#scan.isReading) await this.#read(false);
  }

  /** Asks the store for the keys of the filter, unless all of them are known. */
  scanFilter(text: string): void {
    clearTimeout(this.#typing);
    const { scanned, scans } = this.#store;
    const { prefix } = this.#scan;
    if (!scans || text === prefix) return;
    const isComplete = scanned.pages > 0 && scanned.prefix === prefix && !scanned.more;
    if (isComplete && text.startsWith(prefix)) return;
    this.#typing = setTimeout(() => void this.scan(text), TYPING_MS);
  }

  /** Asks the store no more. */
  stop(): void {
    clearTimeout(this.#rescan);
    clearTimeout(this.#typing);
  }

  /** Reads pages until there are as many as wanted, from the first one if `again`. */
  async #read(again: boolean): Promise<void> {
    clearTimeout(this.#rescan);
    const watch = this.#options.watch();
    const scan = this.#scan;
    if (!watch || scan.store !== this.#store.id) return;
    const isOver = this.#begin(watch);
    const { keys, scanned } = this.#store;
    const begins = again || scan.next === undefined;
    if (begins) scan.next = undefined;
    const end = begins ? keys.beginListing() : () => undefined;
    let pages = begins ? 0 : scanned.pages;
    scan.isReading = true;
    try {
      do {
        const page = await watch.list(scan.prefix, scan.next);
        if (isOver()) return;
        keys.addListed(page.keys);
        scan.next = page.next;
        pages++;
      } while (scan.next !== undefined && pages < scan.pages);
      end();
      const more = scan.next !== undefined;
      const canGrow = more && pages < MAX_PAGES;
      this.#store.scanned = { prefix: scan.prefix, pages, more, canGrow, isGrowing: false };
    } catch (refused) {
      if (isOver()) return;
      scan.next = undefined;
      if (!begins && this.#options.isNoPlace(refused)) return this.#read(true);
      // The state of the store says what is wrong.
      scanned.isGrowing = false;
    }
    scan.isReading = false;
    this.#options.onKeys();
    // The store does not report which keys come and go.
    this.#rescan = setTimeout(() => void this.#read(true), RESCAN_MS * scan.pages);
  }

  /** The function that it returns says whether another listing was begun, or another store chosen. */
  #begin(watch: Lister): () => boolean {
    const number = ++this.#number;
    return () => number !== this.#number || watch !== this.#options.watch();
  }
}
