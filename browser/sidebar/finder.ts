/** The field that filters the list and looks up a key, with the hint below it. */
import type { Words } from '../dialogs/words';
import { shortened } from './key';

export interface Finding {
  hasStore: boolean;
  /** Whether the store lists its keys. */
  lists: boolean;
  /** Whether the store lists its keys on request. */
  scans: boolean;
  /** Whether there are more keys in the store than are shown. */
  hasMore: boolean;
  visible: number;
  /** All keys that are known. */
  size: number;
  /** Keys of them that Node-RED's shared context writes for itself. */
  internal: number;
  /** Whether the key in the field is one of them. */
  isKnown: boolean;
}

export class Finder {
  readonly search: JQuery;
  readonly hint = $('<div>', { class: 'statestore-hint' });
  readonly internal = $('<label>', { class: 'statestore-internal' });
  readonly #words: Words;
  readonly #internalBox = $('<input>', { type: 'checkbox' });
  readonly #internalText = $('<span>');
  readonly #filter: JQuery;
  readonly #hintText = $('<p>');
  readonly #lookUp = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' });

  /** `lookUp` is called for Enter and for the button below the field, `showInternal` for the box at the end of the list. */
  constructor(words: Words, lookUp: () => void, showInternal: (shows: boolean) => void) {
    this.#words = words;
    this.#filter = $('<input>', { type: 'text', 'aria-label': words('label.filter') });
    this.#filter.attr({ placeholder: words('label.filter'), autocomplete: 'off', spellcheck: 'false' });
    this.#filter.on('keydown', (event) => {
      if (event.key === 'Enter') lookUp();
    });
    this.search = $('<div>', { class: 'statestore-search red-ui-sidebar-header' }).append(this.#filter);
    this.#lookUp.on('click', lookUp);
    this.hint.append(this.#hintText, this.#lookUp);
    this.internal.append(this.#internalBox, this.#internalText).hide();
    this.#internalBox.on('change', () => showInternal(this.#internalBox.is(':checked')));
    // Until a store is known there is nothing to search.
    this.search.hide();
  }

  /** Makes the field a search box of Core; call it when {@link search} is in the page. */
  start(change: () => void): void {
    this.#filter.searchBox({ style: 'compact', delay: 50, change });
    this.search.find('.red-ui-searchBox-clear').attr('aria-label', this.#words('button.clear'));
    // The box listens to keys only, and misses pasted and dropped text.
    this.#filter.on('input', ({ originalEvent }) => {
      if (originalEvent instanceof InputEvent && originalEvent.isComposing) return;
      this.#filter.searchBox('value', String(this.#filter.val()));
    });
  }

  get text(): string {
    return String(this.#filter.val() ?? '').trim();
  }

  focus(): void {
    this.#filter.trigger('focus');
  }

  show(finding: Finding): void {
    const { hasStore, visible, size, internal, isKnown } = finding;
    const { text } = this;
    this.internal.toggle(hasStore && internal > 0);
    this.#internalText.text(` ${this.#words('label.internal', { count: internal })}`);
    this.search.toggle(hasStore);
    this.#filter.searchBox('count', text ? `${visible} / ${size}` : '');
    const isOffered = hasStore && text !== '' && !isKnown;
    this.#lookUp.toggle(isOffered).text(this.#words('button.lookUp', { key: shortened(text, 40) }));
    const hint = this.#hintFor(finding, isOffered);
    this.#hintText.text(hint);
    this.hint.toggle(hint !== '' || isOffered);
  }

  #hintFor({ hasStore, lists, scans, hasMore, visible }: Finding, isOffered: boolean): string {
    // The note at the end of the list says so.
    if (hasStore && hasMore) return '';
    // The beginning of other keys is not a key that is missing.
    if (isOffered && visible > 0 && (lists || scans)) return '';
    if (isOffered) return this.#words(lists ? 'hint.notShown' : scans ? 'hint.notInStore' : 'hint.noList');
    if (!hasStore || visible > 0) return '';
    return this.#words(lists ? 'hint.emptyList' : scans ? 'hint.emptyStore' : 'hint.empty');
  }
}
