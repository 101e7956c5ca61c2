/** The note at the end of a list that does not have all keys, with the button that shows more of them. */
import type { Words } from '../dialogs/words';

export interface Rest {
  /** Whether the store has keys that are not shown. */
  hasMore: boolean;
  /** Whether more of them can be shown, and whether they are being read. */
  canGrow: boolean;
  isGrowing: boolean;
  /** Keys that are shown. */
  count: number;
}

export class MoreKeys {
  readonly element = $('<div>', { class: 'statestore-more' });
  readonly #words: Words;
  readonly #note = $('<p>', { role: 'status' });
  readonly #button = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' });

  constructor(words: Words, more: () => void) {
    this.#words = words;
    this.#button.text(words('button.more')).on('click', more);
    this.element.append(this.#note, this.#button).hide();
  }

  show({ hasMore, canGrow, isGrowing, count }: Rest): void {
    const note = hasMore ? this.#words(canGrow ? 'hint.first' : 'hint.more', { count }) : '';
    // The same text again would be read out again.
    if (this.#note.text() !== note) this.#note.text(note);
    // A disabled button would lose the focus.
    this.#button.toggle(canGrow).attr('aria-disabled', String(isGrowing));
    this.element.toggle(hasMore);
  }

  /** Whether the button has the focus. */
  get hasFocus(): boolean {
    return document.activeElement === this.#button[0];
  }
}
