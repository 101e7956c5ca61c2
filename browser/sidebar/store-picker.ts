/** The list of stores at the top of the tab, and the line with the state of the chosen one. */
import { failure, type Words, wordsOf } from '../dialogs/words';
import type { ListedStore, StoreState } from './messages';
import type { Reason } from './runtime';

const STATE_ICONS: Record<string, string | undefined> = {
  connected: 'fa-check-circle statestore-good',
  connecting: 'fa-circle-o-notch',
  closed: 'fa-circle-o-notch',
};

/** The state of a store, `none` if there is no store, or why nothing is known of it. */
export type PickedState =
  | StoreState
  | {
      kind: 'none' | Reason['kind'];
      detail?: string;
      lists?: boolean;
      scans?: boolean;
      largest?: number;
      prefix?: string;
      reason?: string;
    };

export class StorePicker {
  readonly select: JQuery;
  readonly state = $('<div>', { class: 'statestore-state', role: 'status' });
  readonly #words: Words;
  #stores: ListedStore[] = [];

  /** `choose` is called with the ID of the store that the user chose. */
  constructor(words: Words, choose: (id: string) => void) {
    this.#words = words;
    this.select = $('<select>', { class: 'statestore-stores', 'aria-label': words('label.store') });
    this.select.on('change', () => choose(String(this.select.val())));
  }

  has(id: string): boolean {
    return this.#stores.some((store) => store.id === id);
  }

  get first(): string | undefined {
    return this.#stores[0]?.id;
  }

  /** Name of the chosen store. */
  get name(): string {
    return this.select.find('option:selected').text();
  }

  /** Shows these stores; the chosen one stays even if it is gone. */
  setStores(stores: ListedStore[], chosen: string | undefined): void {
    this.#stores = stores;
    this.select.empty();
    const add = (id: string, label: string) => $('<option>', { value: id }).text(label).appendTo(this.select);
    const environment = wordsOf('statestore-config')('place.environment');
    for (const { id, name, address } of stores) add(id, name || address || environment);
    if (chosen && !this.has(chosen)) add(chosen, this.#words('label.goneStore'));
    if (chosen) this.select.val(chosen);
    this.select.prop('disabled', stores.length === 0);
  }

  choose(id: string): void {
    this.select.val(id);
  }

  showState(state: PickedState | undefined): void {
    const kind = state?.kind ?? 'connecting';
    const icon = STATE_ICONS[state?.kind ?? ''] ?? 'fa-exclamation-circle statestore-bad';
    const detail = state?.detail ?? '';
    const text = state?.reason ? failure(state.reason, detail) : this.#words(`state.${kind}`, { detail });
    this.state
      .empty()
      .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': 'true' }), ' ', $('<span>').text(text));
    if (state?.prefix)
      $('<div>')
        .text(this.#words('state.prefix', { prefix: state.prefix }))
        .appendTo(this.state);
    this.state.attr('data-kind', state?.kind ?? '').attr('data-lists', String(Boolean(state?.lists)));
  }
}
