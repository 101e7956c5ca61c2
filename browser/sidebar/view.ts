/** The tab as it is seen: the store, the field that filters, the list, and the details of the selected key. */
import type { Words } from '../dialogs/words';
import type { ChosenStore } from './chosen-store';
import { Detail, type DetailActions } from './detail';
import { Finder } from './finder';
import { Flashes } from './flashes';
import { idOf } from './key';
import { KeyList } from './key-list';
import { MoreKeys } from './more-keys';
import { Press } from './press';
import { type RowContent, renderAge, renderRow } from './row';
import { type PickedState, StorePicker } from './store-picker';

const WRITE = 'statestore.write';
/** Parts that are redrawn on changes and can be clicked. Not the boxes around: their scroll bars are pressed as well. */
const PRESSED = '.statestore-key, .statestore-detail *';

/** What the user does in the tab. */
export interface TabActions extends DetailActions {
  chooseStore(id: string): void;
  /** The text of the filter has changed. */
  filter(): void;
  /** Enter in the filter, or the button below it. */
  lookUp(): void;
  showInternal(shows: boolean): void;
  /** The button at the end of the list. */
  more(): void;
  select(id: string | undefined): void;
  /** Other rows are seen now. */
  see(): void;
  test(): void;
  add(): void;
}

export class View {
  readonly element: JQuery;
  readonly picker: StorePicker;
  readonly finder: Finder;
  readonly list: KeyList;
  readonly #words: Words;
  readonly #store: ChosenStore;
  readonly #more: MoreKeys;
  readonly #detail: Detail;
  readonly #flashes = new Flashes((id) => this.list.row(id));
  /** While it is down nothing is drawn again. */
  readonly #press: Press;
  /** Buttons that only people with the permission to write see. */
  readonly #writing: JQuery;

  constructor(words: Words, store: ChosenStore, actions: TabActions) {
    this.#words = words;
    this.#store = store;
    this.picker = new StorePicker(words, (id) => actions.chooseStore(id));
    this.finder = new Finder(
      words,
      () => actions.lookUp(),
      (shows) => actions.showInternal(shows),
    );
    this.list = new KeyList({
      label: words('label.keys'),
      render: (row, id) => renderRow(words, row, this.#contentOf(id)),
      select: (id) => actions.select(id),
      see: () => actions.see(),
      isHeld: () => this.#press.isDown,
    });
    this.#more = new MoreKeys(words, () => actions.more());
    this.#detail = new Detail(words, actions);
    this.#writing = $('<span>', { class: 'button-group' }).append(
      this.#button('test', 'fa-plug', () => actions.test()),
      this.#button('add', 'fa-plus', () => actions.add()),
    );
    this.element = $('<div>', { class: 'statestore-sidebar' }).append(
      $('<div>', { class: 'red-ui-sidebar-header statestore-header' }).append(
        this.picker.select,
        this.#writing,
      ),
      this.picker.state,
      this.finder.search,
      this.finder.hint,
      this.list.element,
      this.#more.element,
      this.finder.internal,
      this.#detail.element,
    );
    this.finder.start(() => actions.filter());
    this.#press = new Press(this.element, PRESSED, () => {
      this.draw();
      this.list.update(this.list.drawn);
    });
  }

  get #mayWrite(): boolean {
    return RED.user.hasPermission(WRITE);
  }

  #button(name: string, icon: string, act: () => void): JQuery {
    const label = this.#words(`button.${name}`);
    const one = $('<button>', {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-label': label,
    })
      .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': 'true' }))
      .on('click', act);
    RED.popover.tooltip(one, label);
    return one;
  }

  showState(state: PickedState): void {
    this.picker.showState(state);
  }

  /** The list, the hint in its place, and the buttons. */
  draw(): void {
    if (this.#press.isDown) return;
    const { isOpen, lists, scans, scanned, keys } = this.#store;
    this.#writing.toggle(isOpen && this.#mayWrite);
    const visible = isOpen ? keys.visible : [];
    this.list.setKeys(visible);
    const hasMore = isOpen && scans && scanned.more;
    this.#showMore(hasMore);
    const { text } = this.finder;
    this.finder.show({
      ...{ hasStore: isOpen, lists, scans, hasMore },
      ...{ visible: visible.length, size: keys.size, internal: keys.internal },
      isKnown: text !== '' && keys.get(idOf(text)) !== undefined,
    });
    this.drawDetail();
  }

  #showMore(hasMore: boolean): void {
    const { scanned, keys } = this.#store;
    const { canGrow, isGrowing } = scanned;
    // After the last page there is no button: its focus goes to the list.
    if (this.#more.hasFocus && !(hasMore && canGrow)) this.list.element.trigger('focus');
    this.#more.show({ hasMore, canGrow, isGrowing, count: keys.size });
  }

  drawDetail(): void {
    if (this.#press.isDown) return;
    const { keys, now, state } = this.#store;
    const id = this.list.selected;
    const entry = id === undefined ? undefined : keys.get(id);
    if (!entry) {
      this.#detail.hide();
      return;
    }
    this.#detail.show({
      ...{ entry, now, shown: keys.shown(entry.id), whole: this.#store.wholeOf(entry.id) },
      ...{ mayWrite: this.#mayWrite, largest: state?.largest },
    });
  }

  /** Fills the rows of these keys again, and marks the changed ones. */
  showChanges(ids: string[], changed: string[]): void {
    for (const id of changed) this.#flashes.mark(id);
    if (!this.#press.isDown) this.list.update(ids);
    this.drawDetail();
  }

  /** A second has passed. */
  tick(): void {
    for (const id of this.list.drawn) {
      const row = this.list.row(id);
      if (row) renderAge(this.#words, $(row), this.#contentOf(id));
    }
    this.drawDetail();
  }

  #contentOf(id: string): RowContent {
    const { keys, now } = this.#store;
    return { id, now, entry: keys.get(id), shown: keys.shown(id) };
  }
}
