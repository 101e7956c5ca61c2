/** Asks which value to set. */
import { type Manner, openDialog } from './dialog';
import { idOf, textOf } from './key';
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

export function askSet(manner: Manner, { store, key, value, set }: SetQuestion): JQuery {
  const { words } = manner;
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
  const text = $('<textarea>', { rows: 6, spellcheck: 'false' });
  type.val(value?.type ?? 'text');
  text.val(value?.text ?? '');
  const expiry = $('<input>', { type: 'number', min: 0.001, step: 'any', placeholder: words('set.never') });
  const onlyIfNew = $('<input>', { type: 'checkbox', id: nameOf('onlyIfNew') });
  const box = $('<div>', { class: 'form-row' }).append(
    $('<label>', { class: 'statestore-dialog-box' }).append(onlyIfNew, ` ${words('set.onlyIfNew')}`),
  );
  return openDialog(manner, {
    title: words('set.title', { store }),
    content: [row('key', keyField), row('as', type), row('value', text), row('expiry', expiry), box],
    button: words('button.set'),
    act: async () => {
      const id = key ?? idOf(textIn(keyField));
      if (id === '') throw badInput(words('set.noKey'));
      const seconds = textIn(expiry);
      if (seconds !== '' && !(Number(seconds) >= 0.001)) throw badInput(words('set.badExpiry'));
      const kind = typeOf(textIn(type));
      if (kind === 'json' && !isJson(textIn(text))) throw badInput(words('set.badJson'));
      await set({
        ...{ key: id, value: textIn(text), type: kind, onlyIfNew: onlyIfNew.is(':checked') },
        ...(seconds !== '' && { expiry: Math.round(Number(seconds) * 1000) }),
      });
    },
  });
}

const textIn = (field: JQuery): string => String(field.val() ?? '');

function typeOf(text: string): Change['type'] {
  return text === 'json' || text === 'base64' ? text : 'text';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
