/** What one page has not been sent yet: of each key the newest value, and which keys came or went. */
import type { Shown, StoreState, WatchMessage } from './protocol';
import { type Known, shownValue } from './shown-value';

/** Bytes of a value that are sent without being asked for, and of all values in one message. */
const MAX_VALUE_BYTES = 4096;
const MAX_MESSAGE_BYTES = 262_144;
/** Keys that came or went, in one message; if there are more, the page lists all of them again. */
const MAX_LISTED = 2000;
/** Least time between two messages to a page, in milliseconds. */
const PERIOD_MS = 500;

/** The rest of a message, as it is at the time of sending. */
export interface NewsSource {
  /** ID of the watch. */
  readonly id: string;
  state(): StoreState;
  /** When the store deletes a key, in milliseconds since 1970, if that is known. `id` is the key in base64. */
  expiryOf(id: string): number | undefined;
}

/**
 * Changes are recorded first and sent by {@link send}, so that changes of one turn share a message. A page gets at most two messages a
 * second, and none before it has shown the last one.
 */
export class News {
  readonly #source: NewsSource;
  /** By the key in base64. */
  readonly #values = new Map<string, Known>();
  readonly #listed = new Map<string, boolean>();
  /** Parts of the next message that have no content of their own. */
  readonly #flags = new Set<'state' | 'relist' | 'deployed'>(['state']);
  #page: ((message: WatchMessage) => void) | undefined;
  /** Number of the last message, and of the last message that the page has shown. */
  #seq = 0;
  #shown = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: NewsSource) {
    this.#source = source;
  }

  /** Sends to this page from now on. */
  sendTo(page: (message: WatchMessage) => void): void {
    this.#page = page;
    this.send();
  }

  /** The page has shown this message. */
  acknowledge(seq: number): void {
    this.#shown = Math.max(this.#shown, Math.min(seq, this.#seq));
    this.send();
  }

  stateChanged(): void {
    this.#flags.add('state');
  }

  deployed(): void {
    this.#flags.add('deployed');
  }

  changed(id: string, known: Known): void {
    this.#values.set(id, known);
  }

  /** The page does not show this key any more. */
  forget(id: string): void {
    this.#values.delete(id);
  }

  /** A key came or went. */
  listed(id: string, exists: boolean): void {
    if (this.#flags.has('relist')) return;
    this.#listed.set(id, exists);
    if (this.#listed.size <= MAX_LISTED) return;
    this.#flags.add('relist');
    this.#listed.clear();
  }

  /** Another list begins: keys of the last one do not matter. */
  forgetListed(): void {
    this.#listed.clear();
  }

  /** Sends what is new, now or as soon as the page may get it. */
  send(): void {
    if (this.#timer || !this.#page || this.#isEmpty || this.#shown < this.#seq) return;
    this.#page(this.#message());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.send();
    }, PERIOD_MS);
  }

  end(): void {
    this.#page = undefined;
    clearTimeout(this.#timer);
  }

  get #isEmpty(): boolean {
    return this.#flags.size === 0 && this.#values.size === 0 && this.#listed.size === 0;
  }

  #message(): WatchMessage {
    const flags = new Set(this.#flags);
    this.#flags.clear();
    const keys = this.#takeValues();
    const listed = [...this.#listed];
    this.#listed.clear();
    return {
      ...{ watch: this.#source.id, seq: ++this.#seq, now: Date.now() },
      ...(flags.has('state') && { state: this.#source.state() }),
      ...(keys.length > 0 && { keys }),
      ...(listed.length > 0 && { listed }),
      ...(flags.has('relist') && { relist: true }),
      ...(flags.has('deployed') && { deployed: true }),
    };
  }

  /** As many values as one message may have. */
  #takeValues(): [string, Shown][] {
    const taken: [string, Shown][] = [];
    let bytes = 0;
    for (const [id, known] of this.#values) {
      if (bytes > MAX_MESSAGE_BYTES) break;
      const shown = shownValue(known, MAX_VALUE_BYTES, this.#source.expiryOf(id));
      bytes += id.length + ('size' in shown ? Math.min(shown.size, MAX_VALUE_BYTES) : 0);
      taken.push([id, shown]);
      this.#values.delete(id);
    }
    return taken;
  }
}
