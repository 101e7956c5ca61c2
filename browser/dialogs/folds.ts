/** The parts of a form that are folded away while their options are those of a new node. */
import type { EditedNode } from './rules';

/** Whether one of these properties differs from that of a new node. */
const differs = (node: EditedNode, names: string[]): boolean =>
  names.some(
    (name) => node[name] !== undefined && String(node[name]) !== String(node._def.defaults[name]?.value),
  );

/** `inside` is any field of the form. The options of a part are in the attribute `data-options` of its header. */
export function foldOptions(node: EditedNode, inside: string): void {
  const form = $(inside).closest('form');
  for (const element of form.find('.statestore-fold')) {
    const header = $(element);
    const body = header.next();
    const show = (open: boolean) => {
      header.attr('aria-expanded', String(open)).find('i').toggleClass('fa-rotate-90', open);
      body.toggle(open);
    };
    header.on('click', (event) => {
      event.preventDefault();
      show(header.attr('aria-expanded') !== 'true');
    });
    header.data('show', show);
    show(differs(node, String(header.data('options')).split(' ')));
  }
  nameFields(form);
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
