/** What can be done with a store and its keys from the tab: each action asks first, and explains why it failed. */
import { showTestResults } from '../dialogs/test-results';
import { failure, type Words, wordsOf } from '../dialogs/words';
import { type Manner, openDialog, paragraphs } from './dialog';
import { shortened, textOf } from './key';
import { heldIn, type Keys, lastIn, type Seen } from './keys';
import type { Shown } from './messages';
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
  /** Whether this store and key are still the chosen ones. */
  isAt(store: string, id: string | undefined): boolean;
  /** Adds a key to the list, and selects it. */
  add(id: string): void;
}

export class Actions {
  readonly #words: Words;
  readonly #place: Place;
  readonly #manner: Manner;

  constructor(words: Words, place: Place) {
    this.#words = words;
    this.#place = place;
    this.#manner = { words, explain: (reason) => this.explain(reason) };
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
    askSet(this.#manner, {
      store: name,
      key: id,
      value: value && !value.cut ? editable(value) : undefined,
      set: async (change) => {
        const { stored } = await runtime.set({ store, ...change });
        if (!stored) throw badInput(this.#words('set.notNew'));
        if (store === this.#place.store) this.#place.add(change.key);
      },
    });
  }

  remove(id: string): void {
    const { store, storeName, keys } = this.#place;
    if (store === undefined) return;
    const key = shortened(textOf(id));
    openDialog(this.#manner, {
      title: this.#words('remove.title'),
      content: paragraphs(this.#words('remove.question', { key, store: storeName })),
      button: this.#words('button.remove'),
      act: async () => {
        await this.#fetchWhole(store, id);
        const undo = keys.beforeDeleting(id);
        try {
          await runtime.remove({ store, key: id });
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
    openDialog(this.#manner, {
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
    openDialog(this.#manner, { title: `${texts('label.test')}: ${storeName}`, content: [running, list] });
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
        // A version that came meanwhile may be newer than the one that was read.
        if (version() === before || version() === versionIn(shown)) return shown;
      }
    } catch (xhr) {
      if (this.#place.isAt(store, id)) RED.notify($('<span>').text(this.explain(xhr)), 'error');
    }
    return undefined;
  }
}

const versionIn = (seen: Seen | undefined): string | undefined => heldIn(seen)?.version;
