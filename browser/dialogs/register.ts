/** The one way to make a dialog: its fields are listed, and all else follows. */
import type { Place } from './fields';
import { fieldsIn, formHtml, prepareForm, type Rows, saveForm } from './form';
import { shortLabel } from './key-text';
import { type EditedNode, isBlank } from './rules';
import { nodeName, store } from './shared-fields';
import { textOf } from './texts';
import { type Words, wordsOf } from './words';

export interface Dialog {
  /** The rows of the form between the store and the name of the node. */
  fields: Rows;
  /** Whether the node uses a store. Default: true. */
  hasStore?: boolean;
  /** The text on the canvas for a node without a name; blank: its name in the palette. */
  canvas(node: EditedNode, words: Words): string;
  /** Keys of the texts of the outputs, by the number of outputs. */
  outputs?: Record<number, string[]>;
  /** Called when the form is in the page, filled and brought to life. */
  prepare?(this: EditedNode, place: Place): void;
}

/** Puts the rows before what the template of this type has already. */
function writeTemplate(rows: Rows, place: Place): void {
  const template = $(`script[data-template-name="${place.type}"]`);
  template.text(formHtml(rows, place) + template.html());
}

/** The part of a node's definition that follows from its dialog, for `RED.nodes.registerType`. */
export function register(type: string, { fields, hasStore = true, canvas, outputs = {}, prepare }: Dialog) {
  const words = wordsOf(type);
  const place: Place = { type, prefix: 'node-input' };
  const rows: Rows = { ...(hasStore && { store: store() }), ...fields, name: nodeName() };
  writeTemplate(rows, place);
  return {
    defaults: Object.assign({}, ...fieldsIn(rows).map(([name, field]) => field.properties(name, place))),
    paletteLabel: () => words('paletteLabel'),
    label(this: EditedNode) {
      if (this.name) return this.name;
      const text = canvas(this, words).trim();
      return isBlank(text) ? words('paletteLabel') : shortLabel(text);
    },
    labelStyle(this: EditedNode) {
      return this.name ? 'node_label_italic' : '';
    },
    inputLabels: () => words('port.in'),
    outputLabels(this: EditedNode, index: number) {
      const names = outputs[Number(this.outputs)] ?? ['done'];
      return words(`port.${names[index]}`);
    },
    oneditprepare(this: EditedNode) {
      prepareForm(rows, place, this);
      prepare?.call(this, place);
    },
    oneditsave(this: EditedNode) {
      saveForm(rows, place);
    },
  };
}

/** As {@link register}, for the dialog of a config node, which has its name at the top. */
export function registerConfig(type: string, { fields, prepare }: Pick<Dialog, 'fields' | 'prepare'>) {
  const place: Place = { type, prefix: 'node-config-input' };
  writeTemplate(fields, place);
  return {
    defaults: Object.assign({}, ...fieldsIn(fields).map(([name, field]) => field.properties(name, place))),
    paletteLabel: () => RED._(textOf(type, 'paletteLabel')),
    oneditprepare(this: EditedNode) {
      prepareForm(fields, place, this);
      prepare?.call(this, place);
    },
  };
}
