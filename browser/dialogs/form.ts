/** The form of a dialog: its rows, folded parts, and what belongs together in them. */
import { type Field, inputOf, type Place, presentOf } from './fields';
import type { EditedNode } from './rules';
import { textOf } from './texts';

/** A part of a form that is folded away while its fields have the values of a new node. */
export interface Fold {
  /** Key of the text of its header. */
  label: string;
  fields: Record<string, Field>;
  when?: Field['look']['when'];
}

/** The rows of a form, in their order. */
export type Rows = Record<string, Field | Fold>;

export const fold = (label: string, fields: Record<string, Field>, when?: Fold['when']): Fold => ({
  label,
  fields,
  ...(when && { when }),
});

const isFold = (row: Field | Fold): row is Fold => 'fields' in row;

/** All fields by name, those in folded parts as well. */
export function fieldsIn(rows: Rows): [name: string, field: Field][] {
  return Object.entries(rows).flatMap(([name, row]) =>
    isFold(row) ? Object.entries(row.fields) : [[name, row] as [string, Field]],
  );
}

function rowHtml(name: string, field: Field, place: Place): string {
  const { hint } = field.look;
  const html = field.html(name, place);
  const tip = hint
    ? `<div class="form-tips statestore-hint" data-row-of="${name}" data-i18n="${textOf(place.type, hint)}"></div>`
    : '';
  if (field.isHidden) return html;
  if (field.isTip) return `<div class="form-tips" data-row="${name}">${html}</div>`;
  const box = field.isBox ? ' statestore-box' : '';
  return `<div class="form-row${box}" data-row="${name}">${html}</div>${tip}`;
}

/** The template of a dialog. */
export function formHtml(rows: Rows, place: Place): string {
  return Object.entries(rows)
    .map(([name, row]) => {
      if (!isFold(row)) return rowHtml(name, row, place);
      const inner = Object.entries(row.fields).map(([one, field]) => rowHtml(one, field, place));
      return `<button type="button" class="statestore-fold" data-fold="${name}"><i class="fa fa-angle-right"></i> <span data-i18n="${textOf(place.type, row.label)}"></span></button><div class="statestore-options">${inner.join('')}</div>`;
    })
    .join('');
}

/** Brings a form to life that is in the page and filled with the values of a node. */
export function prepareForm(rows: Rows, place: Place, node: EditedNode): void {
  const fields = fieldsIn(rows);
  for (const [name, field] of fields) field.prepare?.(name, place, node);
  const form = inputOf('name', place).closest('form');
  arrangeRows(rows, place, form);
  for (const [name, row] of Object.entries(rows)) if (isFold(row)) prepareFold(name, row, place, node, form);
  nameFields(form);
  // Core checks a field when a key is pressed in it: also check text that is pasted, dropped or filled in.
  form.on('input', 'input, textarea', ({ target }) => {
    $(target).trigger('change');
  });
}

/** Called before Core reads the form. */
export function saveForm(rows: Rows, place: Place): void {
  for (const [name, field] of fieldsIn(rows)) field.save?.(name, place);
}

/** Shows the rows that belong to the present values. */
function arrangeRows(rows: Rows, place: Place, form: JQuery): void {
  const conditions = Object.entries(rows).flatMap(([name, row]): [JQuery, NonNullable<Fold['when']>][] => {
    if (isFold(row)) {
      const inner = Object.entries(row.fields).flatMap(
        ([one, { look }]): [JQuery, NonNullable<Fold['when']>][] =>
          look.when ? [[rowsOf(one, form), look.when]] : [],
      );
      const header = form.find(`[data-fold="${name}"]`);
      return row.when ? [[header.add(header.next()), row.when], ...inner] : inner;
    }
    return row.look.when ? [[rowsOf(name, form), row.look.when]] : [];
  });
  if (conditions.length === 0) return;
  const present = (name: string) => {
    const input = inputOf(name, place);
    return input.is(':checkbox') ? String(input.is(':checked')) : presentOf(name, place);
  };
  const arrange = () => {
    for (const [elements, when] of conditions) {
      const isShown = when(present);
      for (const element of elements) {
        const isFolded = $(element).prev('.statestore-fold').attr('aria-expanded') === 'false';
        $(element).toggle(isShown && !($(element).is('.statestore-options') && isFolded));
      }
    }
  };
  form.on('change', 'select, input:checkbox, input[type=hidden]', arrange);
  // A field that is not used is valid with any content.
  form.on('change', 'select', () => {
    for (const [name, { look }] of fieldsIn(rows))
      if (look.when) inputOf(name, place).not('select').trigger('change');
  });
  arrange();
}

const rowsOf = (name: string, form: JQuery): JQuery =>
  form.find(`[data-row="${name}"], [data-row-of="${name}"]`);

/** Whether a property differs from that of a new node. */
const differs = (node: EditedNode, name: string): boolean =>
  node[name] !== undefined && String(node[name]) !== String(node._def.defaults[name]?.value);

function prepareFold(
  name: string,
  { label, fields }: Fold,
  place: Place,
  node: EditedNode,
  form: JQuery,
): void {
  const header = form.find(`[data-fold="${name}"]`);
  const body = header.next();
  const usual = RED._(textOf(place.type, label));
  const title = /^[^:：]*/.exec(usual)?.[0] ?? usual;
  const show = (open: boolean) => {
    header.attr('aria-expanded', String(open)).find('i').toggleClass('fa-rotate-90', open);
    body.toggle(open);
    const set = open ? [] : settings(fields, place, node);
    const text =
      set.length > 0 ? RED._(textOf(place.type, 'form.set'), { title, set: set.join(', ') }) : usual;
    header.find('span').text(text);
  };
  header.on('click', (event) => {
    event.preventDefault();
    show(header.attr('aria-expanded') !== 'true');
  });
  header.data('show', show);
  const names = Object.entries(fields).flatMap(([one, field]) => Object.keys(field.properties(one, place)));
  show(names.some((one) => differs(node, one)));
}

/** What is set in a folded part, in words. */
function settings(fields: Record<string, Field>, place: Place, { _def }: EditedNode): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (field.look.when && inputOf(name, place).closest('[data-row]').css('display') === 'none') return [];
    const isSet = Object.keys(field.properties(name, place)).some((one) => {
      const input = inputOf(one, place);
      if (input.length === 0) return false;
      const present = input.is(':checkbox') ? input.is(':checked') : input.val();
      return String(present) !== String(_def.defaults[one]?.value);
    });
    if (!isSet) return [];
    const text = RED._(textOf(place.type, field.look.label ?? `label.${name}`));
    const shown = field.shown?.(name, place);
    return [shown === undefined ? text : `${text} ${shown}`];
  });
}

/** Gives typed inputs, which hide the field that a label is for, the name in the label and the way to it. */
function nameFields(form: JQuery): void {
  form.find('i.fa').attr('aria-hidden', 'true');
  for (const element of form.find('label[for]')) {
    const label = $(element);
    const typed = label.closest('.form-row').find('.red-ui-typedInput-container').first();
    if (typed.length === 0) continue;
    const id = `${label.attr('for')}-label`;
    // The text of the label is filled in later.
    label.attr('id', id);
    typed.find('input, button').attr('aria-labelledby', id);
    label.on('click', () => {
      typed.find('input:visible, .red-ui-typedInput-option-trigger:visible').first().trigger('focus');
    });
  }
}
