/** What can be done with a store and its keys from the tab: each action asks first, and explains why it failed. */
import { showTestResults } from '../dialogs/test-results';
import { failure, type Words, wordsOf } from '../dialogs/words';
import { type DialogWords, openDialog, paragraphs } from './dialog';
import { shortened, textOf } from './key';
import { heldIn, type Keys, lastIn, type Seen } from './keys';
import type { Held, Shown } from './messages';
import { Protection } from './protection';
import { badInput, reasonOf, runtime } from './runtime';
import { askSet, editable } from './set-dialog';

/** How often a value that changes all the time is read as a whole. */
const MAX_TRIES = 3;

/** The part of the tab that actions work on. */
export interface Place {
  /** ID of the chosen store. */
  readonly store: string | undefined;
  readonly storeName: string;
  readonly keys: Keys;
  /** Whether the store lists its keys and reports when they expire. */
  readonly lists: boolean;
  /** The time of Node-RED, in milliseconds since 1970. */
  readonly now: number;
  /** Whether this store and key are still the chosen ones. */
  isAt(store: string, id: string | undefined): boolean;
  /** Adds a key to the list, and selects it. */
  add(id: string): void;
}

export class Actions {
  readonly #words: Words;
  readonly #place: Place;
  readonly #dialogWords: DialogWords;

  constructor(words: Words, place: Place) {
    this.#words = words;
    this.#place = place;
    this.#dialogWords = { words, explain: (reason) => this.explain(reason) };
  }

  /** Why something failed, in words. */
  explain(rejected: unknown): string {
    const { kind, message, code } = reasonOf(rejected);
    if (kind === 'input') return message;
    if (kind === 'refused' && code) return failure(code, message);
    return kind === 'refused' ? message : this.#words(`state.${kind}`, { detail: message });
  }

  /** Asks for a value; for a key that exists or was deleted it begins with its present or last value. */
  async set(id?: string): Promise<void> {
    const { store, storeName: name, keys } = this.#place;
    if (store === undefined) return;
    const shown = id === undefined ? undefined : keys.shown(id);
    let value = heldIn(shown) ?? lastIn(shown);
    if (id !== undefined && heldIn(shown)?.cut) {
      value = heldIn(await runtime.value(store, id).catch(() => undefined));
      if (!this.#place.isAt(store, id)) return;
    }
    const protection = new Protection(this.#words('set.protected'));
    askSet(this.#dialogWords, {
      store: name,
      key: id,
      value: value && !value.cut ? editable(value) : undefined,
      expires: this.#expiryOf(value),
      reportsExpiry: this.#place.lists,
      now: () => this.#place.now,
      set: async (change) => {
        const { stored } = await protection.write((withLock) =>
          runtime.set({ store, ...change, ...withLock }),
        );
        if (!stored) throw badInput(this.#words('set.notNew'));
        if (store === this.#place.store) this.#place.add(change.key);
      },
    });
  }

  /** When a value expires, if that is known and still to come. */
  #expiryOf(value: Held | undefined): number | undefined {
    const expires = value?.expires;
    return expires !== undefined && expires > this.#place.now ? expires : undefined;
  }

  /** Sets the last value of a deleted key again, for as long as it would have been kept. */
  async restore(id: string): Promise<void> {
    const { store, keys } = this.#place;
    const last = lastIn(keys.shown(id));
    if (store === undefined || !last) return;
    const { type, text } =
      last.base64 === undefined
        ? { type: 'text' as const, text: last.text ?? '' }
        : { type: 'base64' as const, text: last.base64 };
    const expires = this.#expiryOf(last);
    const protection = new Protection('');
    const set = () =>
      protection.write((withLock) =>
        runtime.set({
          ...{ store, key: id, value: text, type, onlyIfNew: true },
          ...(expires !== undefined && { expiry: Math.max(1, Math.round(expires - this.#place.now)) }),
          ...withLock,
        }),
      );
    try {
      // The user has deleted the protected key here a moment ago.
      await set().catch((reason) => (reasonOf(reason).kind === 'input' ? set() : Promise.reject(reason)));
    } catch (reason) {
      RED.notify($('<span>').text(this.explain(reason)), 'error');
    }
  }

  remove(id: string): void {
    const { store, storeName, keys } = this.#place;
    if (store === undefined) return;
    const key = shortened(textOf(id));
    const protection = new Protection(this.#words('remove.protected'));
    openDialog(this.#dialogWords, {
      title: this.#words('remove.title'),
      content: paragraphs(this.#words('remove.question', { key, store: storeName })),
      button: this.#words('button.remove'),
      act: async () => {
        await this.#fetchWhole(store, id);
        const undo = keys.beforeDeleting(id);
        try {
          await protection.write((withLock) => runtime.remove({ store, key: id, ...withLock }));
        } catch (xhr) {
          undo();
          throw xhr;
        }
      },
    });
  }

  /** Reads the whole value before its key is deleted, if only its beginning is known, so that it can be set again. */
  async #fetchWhole(store: string, id: string): Promise<void> {
    if (!heldIn(this.#place.keys.shown(id))?.cut) return;
    try {
      const shown = await runtime.value(store, id);
      if (store === this.#place.store && !('error' in shown)) this.#place.keys.update(id, shown);
    } catch {
      // The key is to be deleted all the same.
    }
  }

  release(id: string): void {
    const { store, storeName, keys } = this.#place;
    const held = heldIn(keys.shown(id));
    if (store === undefined || !held) return;
    const { holder = '', text = '' } = held;
    openDialog(this.#dialogWords, {
      title: this.#words('release.title'),
      content: paragraphs(
        this.#words('release.question', { key: shortened(textOf(id)), store: storeName, holder }),
        this.#words('release.warning'),
      ),
      button: this.#words('button.release'),
      act: async () => {
        const { deleted } = await runtime.remove({ store, key: id, holder: text });
        if (!deleted) throw badInput(this.#words('release.notHeld'));
      },
    });
  }

  /** Tests the connection of the chosen store. */
  test(): void {
    const { store, storeName } = this.#place;
    if (store === undefined) return;
    const texts = wordsOf('statestore-config');
    const list = $('<ul>', { class: 'statestore-test' });
    const running = $('<p>', { role: 'status' }).text(texts('test.running'));
    openDialog(this.#dialogWords, {
      title: `${texts('label.test')}: ${storeName}`,
      content: [running, list],
    });
    runtime
      .test(store)
      .then((diagnosis) => {
        running.remove();
        showTestResults(list, diagnosis);
      })
      .catch((xhr) => running.text(this.explain(xhr)));
  }

  /** Reads the whole value; undefined if another store or key was chosen meanwhile, or it could not be read. */
  async whole(id: string): Promise<Shown | undefined> {
    const { store } = this.#place;
    if (store === undefined) return undefined;
    const version = () => versionIn(this.#place.keys.shown(id));
    try {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const before = version();
        const shown = await runtime.value(store, id);
        if (!this.#place.isAt(store, id)) return undefined;
        // A version that arrived in the meantime may be newer than the version that was read.
        if (version() === before || version() === versionIn(shown)) return shown;
      }
    } catch (xhr) {
      if (this.#place.isAt(store, id)) RED.notify($('<span>').text(this.explain(xhr)), 'error');
    }
    return undefined;
  }
}

const versionIn = (seen: Seen | undefined): string | undefined => heldIn(seen)?.version;
