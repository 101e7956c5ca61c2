/** The key of a node: one key, or a list of keys. */
import {
  type Field,
  inputOf,
  type Look,
  lines,
  type Place,
  presentOf,
  type TypedLook,
  typed,
} from './fields';
import type { EditedNode, TypedCheck } from './rules';
import { textOf } from './texts';

/** The type of a list in the dialog. It is saved as JSON, which the runtime and flows of earlier versions know. */
const LIST = 'list';

/** The keys in a list that was saved as JSON; undefined for other JSON. */
export function keysIn(json: string): string[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    const isList = Array.isArray(list) && list.every((one) => typeof one === 'string');
    return isList ? list : undefined;
  } catch {
    return undefined;
  }
}

/** The lines of a text that are not blank. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Text that looks like a pattern, which keys do not have. */
const looksLikePattern = (key: string): boolean => /\*|(^|\/)[#+](\/|$)/.test(key);

/** A hint below a field, which is not shown yet. */
function patternHint(input: JQuery, text: string): JQuery {
  return $('<div>', { class: 'form-tips statestore-hint', role: 'status' })
    .text(RED._(textOf('', text)))
    .insertAfter(input.closest('.form-row'));
}

/** Fixed keys, one a line. */
export function keyLines({ needed, ...look }: Look & { needed: (node: EditedNode) => boolean }): Field {
  const field = (place: Place): Field =>
    lines({
      ...{ icon: 'key', placeholder: 'form.placeholder.list' },
      ...look,
      check: (value, node) =>
        !needed(node) ||
        linesOf(String(value ?? '')).length > 0 ||
        RED._(textOf(place.type, 'form.invalid.list')),
    });
  return {
    look,
    properties: (name, place) => field(place).properties(name, place),
    html: (name, place) => field(place).html(name, place),
    prepare: (name, place) => {
      const input = inputOf(name, place);
      const hint = patternHint(input, 'form.hint.pattern');
      const arrange = () => hint.toggle(linesOf(presentOf(name, place)).some(looksLikePattern));
      input.on('change keyup', arrange);
      arrange();
    },
  };
}

/** `types` without `{list}` is a field for one key only. */
export function key({
  types = ['str', 'msg', 'flow', 'global', 'env', 'jsonata', 'bin'],
  ...look
}: Partial<TypedLook> = {}): Field {
  const hasList = types.includes('{list}');
  const linesName = (name: string) => `${name}Lines`;
  const check =
    (name: string, place: Place): TypedCheck =>
    (value, type, node) => {
      const verdict = look.check?.(value, type, node);
      if (verdict !== undefined || type !== LIST) return verdict;
      const present = inputOf(linesName(name), place).val();
      const text = RED._(textOf(place.type, 'form.invalid.list'));
      return linesOf(String(present ?? '')).length > 0 || text;
    };
  const full = (name: string, place: Place): Field =>
    typed({
      ...{ icon: 'key', label: 'form.label.key', placeholder: 'placeholder.key', required: 'invalid.key' },
      ...look,
      types,
      check: check(name, place),
    });
  const isList = (name: string, place: Place) => presentOf(`${name}Type`, place) === LIST;
  return {
    look,
    properties: (name, place) => full(name, place).properties(name, place),
    html: (name, place) => {
      const list = hasList
        ? `<textarea id="${place.prefix}-${linesName(name)}" class="statestore-list" rows="5" data-i18n="[placeholder]${textOf(place.type, 'form.placeholder.list')};[aria-label]${textOf(place.type, 'form.label.list')}"></textarea>`
        : '';
      return full(name, place).html(name, place) + list;
    },
    prepare: (name, place, node) => {
      const listed =
        hasList && presentOf(`${name}Type`, place) === 'json' ? keysIn(presentOf(name, place)) : undefined;
      if (listed) inputOf(`${name}Type`, place).val(LIST);
      full(name, place).prepare?.(name, place, node);
      const input = inputOf(name, place);
      const list = inputOf(linesName(name), place).val((listed ?? []).join('\n'));
      const hint = patternHint(input, hasList ? 'form.hint.patternOrList' : 'form.hint.pattern');
      const arrange = () => {
        list.toggle(isList(name, place));
        const text = isList(name, place) ? String(list.val()) : presentOf(name, place);
        const isText = isList(name, place) || presentOf(`${name}Type`, place) === 'str';
        hint.toggle(isText && looksLikePattern(text));
      };
      input.on('change', arrange);
      list.on('change keyup', () => {
        input.trigger('change');
      });
      arrange();
    },
    save: (name, place) => {
      if (!isList(name, place)) return;
      const json = JSON.stringify(linesOf(presentOf(linesName(name), place)));
      inputOf(name, place).typedInput('type', 'json');
      inputOf(name, place).typedInput('value', json);
    },
  };
}
