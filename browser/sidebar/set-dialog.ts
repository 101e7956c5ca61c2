/** Asks which value to set. */

import type { Words } from '../dialogs/words';
import { type DialogWords, openDialog } from './dialog';
import { idOf, shortened, textOf } from './key';
import type { Change, Held } from './messages';
import { badInput } from './runtime';

let dialogs = 0;

export interface Edited {
  type: Change['type'];
  text: string;
}

export interface SetQuestion {
  /** Name of the store. */
  store: string;
  /** ID of the key, or undefined for any. */
  key: string | undefined;
  value: Edited | undefined;
  /** When the key expires, in milliseconds since 1970, if that is known. */
  expires: number | undefined;
  /** Whether the store reports when its keys expire. */
  reportsExpiry: boolean;
  /** Returns the time of Node-RED. */
  now(): number;
  set(change: Change): Promise<void>;
}

/** A value as it is edited: JSON as JSON, other text as text, bytes in base64. */
export function editable({ text = '', base64 }: Held): Edited {
  if (base64 !== undefined) return { type: 'base64', text: base64 };
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null
      ? { type: 'json', text: JSON.stringify(value, null, 2) }
      : { type: 'text', text };
  } catch {
    return { type: 'text', text };
  }
}

export function askSet(
  dialogWords: DialogWords,
  { store, key, value, expires, reportsExpiry, now, set }: SetQuestion,
): JQuery {
  const { words } = dialogWords;
  const number = ++dialogs;
  const nameOf = (name: string) => `statestore-set-${name}-${number}`;
  const row = (name: string, field: JQuery) =>
    $('<div>', { class: 'form-row' }).append(
      $('<label>', { for: nameOf(name) }).text(words(`set.${name}`)),
      field.addClass('statestore-dialog-field').attr('id', nameOf(name)),
    );
  const keyField = $('<input>', { type: 'text' }).attr({ autocomplete: 'off', spellcheck: 'false' });
  if (key) keyField.val(textOf(key)).prop('readonly', true);
  const type = $('<select>');
  for (const one of ['text', 'json', 'base64'])
    $('<option>', { value: one })
      .text(words(`set.type.${one}`))
      .appendTo(type);
  const text = $('<textarea>', { rows: key ? 10 : 6, spellcheck: 'false' });
  type.val(value?.type ?? 'text');
  text.val(value?.text ?? '');
  // Where the cursor is: the key of a change is fixed.
  (key ? text : keyField).attr('autofocus', 'autofocus');
  const expiry = $('<input>', { type: 'number', min: 0.001, step: 'any', placeholder: words('set.never') });
  const keepExpiry = $('<input>', { type: 'checkbox' }).prop('checked', expires !== undefined);
  const onlyIfNew = $('<input>', { type: 'checkbox', id: nameOf('onlyIfNew') });
  const box = (tick: JQuery, label: string) =>
    $('<div>', { class: 'form-row' }).append(
      $('<label>', { class: 'statestore-dialog-box' }).append(tick, ` ${label}`),
    );
  const content = [row('key', keyField), row('as', type), row('value', text), row('expiry', expiry)];
  if (expires !== undefined) {
    content.push(box(keepExpiry, words('set.keepExpiry', { time: new Date(expires).toLocaleString() })));
    const arrange = () => expiry.prop('disabled', keepExpiry.is(':checked'));
    keepExpiry.on('change', arrange);
    arrange();
  } else if (key && !reportsExpiry) {
    content.push($('<p>', { class: 'statestore-dialog-note' }).text(words('set.unknownExpiry')));
  }
  if (!key) content.push(box(onlyIfNew, words('set.onlyIfNew')));
  const expiryIn = (): number | undefined => {
    if (expires !== undefined && keepExpiry.is(':checked')) return Math.max(1, Math.round(expires - now()));
    const seconds = textIn(expiry);
    if (seconds === '') return undefined;
    if (!(Number(seconds) >= 0.001)) throw badInput(words('set.badExpiry'));
    return Math.round(Number(seconds) * 1000);
  };
  return openDialog(dialogWords, {
    title: key
      ? words('set.change', { key: shortened(textOf(key), 60), store })
      : words('set.title', { store }),
    content,
    button: words('button.set'),
    width: key ? '80%' : 560,
    act: async () => {
      const id = key ?? idOf(textIn(keyField));
      if (id === '') throw badInput(words('set.noKey'));
      const expiry = expiryIn();
      const kind = typeOf(textIn(type));
      if (kind === 'json') checkJson(textIn(text), words);
      await set({
        ...{ key: id, value: textIn(text), type: kind, onlyIfNew: onlyIfNew.is(':checked') },
        ...(expiry !== undefined && { expiry }),
      });
    },
  });
}

const textIn = (field: JQuery): string => String(field.val() ?? '');

function typeOf(text: string): Change['type'] {
  return text === 'json' || text === 'base64' ? text : 'text';
}

/** Throws with the place that the parser found. */
function checkJson(text: string, words: Words): void {
  try {
    JSON.parse(text);
  } catch (error) {
    throw badInput(words('set.badJson', { reason: (error as SyntaxError).message }));
  }
}
