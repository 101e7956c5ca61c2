/** A row of the list: the key, the age of its value, and the value in one line. */
import { shortError, type Words } from '../dialogs/words';
import { isTooLong } from './key';
import { keyName } from './key-name';
import { type Entry, heldIn, type Seen } from './keys';
import { age, timeOf, valueElement } from './value';

const KIND_ICONS: Record<string, string | undefined> = { lock: 'fa-lock', role: 'fa-flag' };

export interface RowContent {
  id: string;
  entry: Entry | undefined;
  shown: Seen | undefined;
  /** The time of Node-RED, in milliseconds since 1970. */
  now: number;
}

export function renderRow(words: Words, row: JQuery, content: RowContent): void {
  const { entry, shown } = content;
  if (row.children().length === 0) {
    const text = entry?.text ?? '';
    row.append(
      $('<div>', { class: 'statestore-key-line' }).append(
        $('<i>', { 'aria-hidden': 'true' }),
        keyName(text),
        $('<span>', { class: 'statestore-key-age' }),
      ),
      $('<div>', { class: 'statestore-key-value' }),
    );
  }
  const kind = entry?.named?.kind ?? 'key';
  const icon = KIND_ICONS[kind] ?? (heldIn(shown)?.holder ? 'fa-lock' : 'fa-key');
  row.find('i').attr('class', `fa ${icon}`);
  row.find('.statestore-key-value').empty().append(summary(words, content));
  renderAge(words, row, content);
}

export function renderAge(words: Words, row: JQuery, { shown, now }: RowContent): void {
  const time = timeOf(heldIn(shown)?.version);
  const text = time ? age(words, now - time) : '';
  const field = row.find('.statestore-key-age');
  if (field.text() === text) return;
  field.text(text).attr('title', time ? new Date(time).toISOString() : '');
}

function summary(words: Words, { id, entry, shown }: RowContent): JQuery {
  const note = (text: string) => $('<span>', { class: 'statestore-note' }).text(text);
  if (isTooLong(id)) return note(words('value.longKey'));
  if (!shown) return note('…');
  if ('error' in shown)
    return note(shortError(shown.error.code) ?? shown.error.message).addClass('statestore-bad-text');
  const held = heldIn(shown);
  if (!held) {
    const kind = entry?.named?.kind ?? 'key';
    return note(words(kind === 'key' ? 'value.missing' : 'value.free'));
  }
  if (held.holder) return note(words('value.held', { holder: held.holder }));
  return valueElement(held);
}
