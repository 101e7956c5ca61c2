/** The lower part of the tab: all that is known of one key, and what can be done with it. */
import { failure, type Words } from '../dialogs/words';
import { isTooLong } from './key';
import { keyName } from './key-name';
import { type Entry, heldIn, lastIn, type Seen } from './keys';
import type { NamingNode } from './messages';
import { focusAt, placeOf } from './place';
import { type Order, recordsIn, tableOf } from './records';
import { age, makeReachable, sizeText, timeOf, unfold, valueElement } from './value';

/** What can be done with a key; each is called with its ID. */
export interface DetailActions {
  set(id: string): void;
  remove(id: string): void;
  /** Sets the last value of a deleted key again. */
  restore(id: string): void;
  release(id: string): void;
  forget(id: string): void;
  /** Shows all of a value. */
  whole(id: string): void;
  /** Shows a node, by its ID. */
  reveal(id: string): void;
}

export interface Detailed {
  entry: Entry;
  shown: Seen | undefined;
  /** The time of Node-RED, in milliseconds since 1970. */
  now: number;
  /** Whether there are buttons to change the key. */
  mayWrite: boolean;
  /** The whole value, if it was fetched. */
  whole: Seen | undefined;
  /** Bytes of the largest packet that the broker takes. */
  largest: number | undefined;
}

type Facts = Pick<Detailed, 'now' | 'largest'>;
type Row = [name: string, content: string, title?: string];

export class Detail {
  readonly element: JQuery;
  readonly #words: Words;
  readonly #actions: DetailActions;
  readonly #title = $('<h3>', { class: 'statestore-detail-key' });
  readonly #tools = $('<span>', { class: 'statestore-detail-tools' });
  readonly #rows = $('<tbody>');
  readonly #value = $('<div>', { class: 'statestore-detail-value red-ui-debug-msg-payload' });
  /** Paths that are unfolded, by key. */
  readonly #unfolded = new Map<string, Set<string>>();
  /** The orders of tables, by key. */
  readonly #orders = new Map<string, Order>();
  #drawn = '';
  #drawnId: string | undefined;
  #rowsText = '';
  #rowsShape = '';

  constructor(words: Words, actions: DetailActions) {
    this.#words = words;
    this.#actions = actions;
    this.element = $('<section>', { class: 'statestore-detail', 'aria-label': words('label.detail') }).append(
      $('<div>', { class: 'statestore-detail-header' }).append(this.#title, this.#tools),
      this.#value,
      $('<table>', { class: 'red-ui-info-table' }).append(this.#rows),
    );
    makeReachable(this.#value);
    this.element.hide();
  }

  hide(): void {
    this.element.hide();
    this.#drawn = '';
    this.#drawnId = undefined;
  }

  show({ entry, shown, now, mayWrite, whole, largest }: Detailed): void {
    const { id, named, looked, restorable } = entry;
    const isNew = this.#drawnId !== id;
    const drawn = JSON.stringify([id, shown, named, looked, restorable, mayWrite, Boolean(whole)]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#drawnId = id;
      this.#title.empty().append(keyName(entry.text));
      this.#drawTools(entry, shown, mayWrite);
      this.#drawValue(id, whole ?? shown);
    }
    this.#drawRows(entry, whole ?? shown, { now, largest });
    this.element.show();
    if (!isNew) return;
    this.element.scrollTop(0);
    // A tab without room for all of it scrolls.
    this.element[0]?.scrollIntoView({ block: 'nearest' });
  }

  #drawTools({ id, named, looked, restorable }: Entry, shown: Seen | undefined, given: boolean): void {
    // The runtime takes no change of a key that is too long.
    const mayWrite = given && !isTooLong(id);
    const held = heldIn(shown);
    const focused: unknown = this.#tools.find(':focus').data('act');
    this.#tools.empty();
    const button = (act: 'set' | 'remove' | 'restore' | 'release' | 'forget', icon: string) => {
      const words = this.#words(`button.${act}`);
      const one = $('<button>', {
        type: 'button',
        class: 'red-ui-button red-ui-button-small',
        'aria-label': words,
        title: words,
      })
        .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': 'true' }))
        .data('act', act)
        .on('click', () => this.#actions[act](id))
        .appendTo(this.#tools);
      if (act === focused) one.trigger('focus');
    };
    if (mayWrite && held?.holder) button('release', 'fa-unlock');
    if (mayWrite && lastIn(shown)) button('restore', 'fa-undo');
    if (mayWrite) button('set', 'fa-pencil');
    if (mayWrite && held) button('remove', 'fa-trash');
    const isMissing = shown !== undefined && 'found' in shown && !held;
    if (looked || (restorable && !named && isMissing)) button('forget', 'fa-times');
  }

  #drawValue(id: string, shown: Seen | undefined): void {
    const { activeElement } = document;
    const box = this.#value[0] as HTMLElement;
    const place = activeElement && box.contains(activeElement) ? placeOf(box, activeElement) : undefined;
    this.#value.empty();
    this.#fillValue(id, shown);
    if (place) focusAt(box, place);
  }

  #fillValue(id: string, shown: Seen | undefined): void {
    const words = this.#words;
    if (isTooLong(id)) {
      this.#value.append($('<p>').text(words('value.longKeyDetail')));
      return;
    }
    if (!shown) return;
    if ('error' in shown) {
      const text = failure(shown.error.code, shown.error.message);
      this.#value.append($('<p>', { class: 'statestore-detail-error' }).text(text));
      return;
    }
    const held = heldIn(shown);
    if (!held) {
      this.#value.append($('<p>').text(words(lastIn(shown) ? 'value.deleted' : 'value.missing')));
      return;
    }
    const records = recordsIn(held);
    if (records) {
      const order = this.#orders.get(id) ?? {};
      this.#orders.set(id, order);
      this.#value.append(tableOf(words, records, order));
      return;
    }
    const unfolded = this.#unfolded.get(id) ?? new Set<string>();
    this.#unfolded.set(id, unfolded);
    // Core writes under this path into an object of its own: a constant, so that no key can be "__proto__".
    const path = 'value';
    const element = valueElement(held, {
      ...{ sourceId: `statestore/${id}`, path, rootPath: path, exposeApi: true },
      ontoggle: (where: string, isOpen: boolean) => {
        if (isOpen) unfolded.add(where);
        else for (const one of unfolded) if (one.startsWith(where)) unfolded.delete(one);
      },
    });
    unfold(element, unfolded);
    this.#value.append(element);
    makeReachable(element);
    if (!held.cut) return;
    $('<p>')
      .text(`${words('value.cut', { size: sizeText(held.size) })} `)
      .append(
        $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
          .text(words('button.whole'))
          .on('click', () => this.#actions.whole(id)),
      )
      .appendTo(this.#value);
  }

  #rowsOf({ named }: Entry, shown: Seen | undefined, { now, largest }: Facts): Row[] {
    const words = this.#words;
    const held = heldIn(shown);
    if (!held) return [];
    const rows: Row[] = [];
    const row = (name: string, content: string, title?: string) =>
      rows.push(
        title === undefined ? [words(`detail.${name}`), content] : [words(`detail.${name}`), content, title],
      );
    const clock = (ms: number) => new Date(ms).toLocaleString();
    const time = timeOf(held.version);
    if (held.holder) {
      row('holder', held.holder);
      const until = held.expires ?? (time && named?.lease ? time + named.lease : undefined);
      row('until', until ? words('detail.untilTime', { time: clock(until) }) : words('detail.untilUnknown'));
    } else if (held.expires) {
      row('expires', clock(held.expires));
    }
    if (time)
      row(
        held.holder ? 'renewed' : 'set',
        age(words, now - time),
        `${new Date(time).toISOString()}  ${held.version}`,
      );
    const limit = largest && recordsIn(held) ? sizeText(largest) : undefined;
    const size = sizeText(held.size);
    row('size', limit ? words('detail.sizeOf', { size, limit }) : size);
    return rows;
  }

  #drawRows(entry: Entry, shown: Seen | undefined, facts: Facts): void {
    const rows = this.#rowsOf(entry, shown, facts);
    const nodes = entry.named?.nodes ?? [];
    const text = JSON.stringify([rows, nodes]);
    if (text === this.#rowsText) return;
    // Only the ages change every second: links keep the focus.
    const shape = JSON.stringify([rows.map(([name]) => name), nodes]);
    const isSame = shape === this.#rowsShape;
    this.#rowsText = text;
    this.#rowsShape = shape;
    if (isSame) {
      rows.forEach(([, content, title], index) => {
        const cell = this.#rows.children().eq(index).children('td').last();
        if (cell.text() !== content) cell.text(content);
        if (title) cell.attr('title', title);
      });
      return;
    }
    this.#rows.empty();
    for (const [name, content, title = ''] of rows) this.#row(name).text(content).attr('title', title);
    if (nodes.length === 0) return;
    const list = $('<ul>').appendTo(this.#row(this.#words('detail.nodes')));
    for (const node of nodes) $('<li>').append(this.#link(node)).appendTo(list);
  }

  #row(name: string): JQuery {
    const cell = $('<td>');
    $('<tr>', { class: 'red-ui-help-info-row' }).append($('<td>').text(name), cell).appendTo(this.#rows);
    return cell;
  }

  #link({ id, type, name }: NamingNode): JQuery {
    const node = RED.nodes.node(id);
    const label = name || (node && RED.utils.getNodeLabel(node, '')) || type.replace('statestore-', '');
    return $('<a>', { href: '#', class: 'statestore-node-link' })
      .text(label)
      .on('click', (event) => {
        event.preventDefault();
        this.#actions.reveal(id);
      });
  }
}
