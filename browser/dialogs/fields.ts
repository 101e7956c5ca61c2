/** The fields that dialogs consist of. Each makes its row of the form, and the properties of the node that it fills. */
import type { WidgetTypedInputType } from '@node-red/editor-client';
import {
  type Check,
  type EditedNode,
  isBlank,
  rule,
  seconds as secondsRule,
  type TypedCheck,
  typedInput,
  type Validator,
  wholeNumber as wholeNumberRule,
} from './rules';
import { textOf } from './texts';

/** A property of a node, as Core's `defaults` have it. */
interface Property {
  value: unknown;
  type?: string;
  validate?: Validator;
}

/** Returns the current value of another field of the form. */
type PresentOf = (name: string) => string;

/** Common to all fields. Texts are keys of the node's own catalogue, or begin with `form.` for the shared one. */
export interface Look {
  /** Default: `label.<name>`. */
  label?: string;
  /** Name of an icon of Font Awesome, without `fa-`. */
  icon?: string;
  /** Whether the row is shown, with the present values of the form. */
  when?: (presentOf: PresentOf) => boolean;
  /** A text below the field. */
  hint?: string;
  /** A text behind the field. */
  after?: string;
  /** Text of an empty field: a key of the catalogue, or the text itself after `=`. */
  placeholder?: string;
  /** CSS width of the field. */
  width?: string;
}

/** What a field needs to know of the dialog it is in. */
export interface Place {
  type: string;
  /** Beginning of the IDs of Core's fields. */
  prefix: string;
}

export interface Field {
  look: Look;
  /** The properties of the node, by name. */
  properties(name: string, place: Place): Record<string, Property>;
  /** The content of the row. */
  html(name: string, place: Place): string;
  /** Called when the form is in the page and filled. */
  prepare?(name: string, place: Place, node: EditedNode): void;
  /** The current value as the header of a folded part shows it; undefined if the label alone says it. */
  shown?(name: string, place: Place): string | undefined;
  /** Called before Core reads the form. */
  save?(name: string, place: Place): void;
  /** Is a tip, not a row with a field. */
  isTip?: boolean;
  /** Has no row. */
  isHidden?: boolean;
  /** Has no label of its own in front. */
  isBox?: boolean;
}

export const inputOf = (name: string, { prefix }: Place): JQuery => $(`#${prefix}-${name}`);
export const presentOf = (name: string, place: Place): string => String(inputOf(name, place).val() ?? '');

/** The attribute that has Core fill in a text. */
const i18n = (key: string, { type }: Place, attribute = '') => `data-i18n="${attribute}${textOf(type, key)}"`;

function placeholderOf({ placeholder }: Look, place: Place): string {
  if (placeholder === undefined) return '';
  return placeholder.startsWith('=')
    ? ` placeholder="${placeholder.slice(1)}"`
    : ` ${i18n(placeholder, place, '[placeholder]')}`;
}

/** The label in front of a field. */
export function labelHtml(name: string, { label = `label.${name}`, icon }: Look, place: Place): string {
  const image = icon ? `<i class="fa fa-${icon}"></i> ` : '';
  return `<label class="statestore-label" for="${place.prefix}-${name}">${image}<span ${i18n(label, place)}></span></label> `;
}

const afterHtml = ({ after }: Look, place: Place): string =>
  after ? ` <span ${i18n(after, place)}></span>` : '';

function inputHtml(name: string, kind: string, look: Look, place: Place): string {
  const width = look.width ?? '70%';
  const auto = kind === 'password' ? ' autocomplete="new-password"' : '';
  return `<input type="${kind}" id="${place.prefix}-${name}"${placeholderOf(look, place)}${auto} style="width: ${width}" />`;
}

interface TextLook extends Look {
  value?: unknown;
  check?: Check;
}

const checked = (value: unknown, check: Check | undefined): Property =>
  check ? { value, validate: rule(check) } : { value };

/** One line of text. */
export function text({ value = '', check, ...look }: TextLook = {}): Field {
  return {
    look,
    properties: (name) => ({ [name]: checked(value, check) }),
    html: (name, place) =>
      labelHtml(name, look, place) + inputHtml(name, 'text', look, place) + afterHtml(look, place),
    shown: (name, place) => presentOf(name, place),
  };
}

/** Several lines of text. */
export function lines({ value = '', check, rows = 4, ...look }: TextLook & { rows?: number }): Field {
  return {
    look,
    properties: (name) => ({ [name]: checked(value, check) }),
    html: (name, place) =>
      `${labelHtml(name, look, place)}<textarea id="${place.prefix}-${name}" rows="${rows}"${placeholderOf(look, place)} style="width: 70%"></textarea>`,
  };
}

/** A text that Core keeps as a credential. */
export function credential(kind: 'text' | 'password', look: Look = {}): Field {
  return {
    look,
    properties: () => ({}),
    html: (name, place) => labelHtml(name, look, place) + inputHtml(name, kind, look, place),
  };
}

interface NumberLook extends Look {
  value?: unknown;
  min: number;
  max: number;
  /** Key of the text for a wrong number. Default: `invalid.<name>`. */
  invalid?: string;
  /** Whether the node uses this field. */
  needed?: (node: EditedNode) => boolean;
}

function numberField(
  { value = '', min, max, invalid, needed, width = '90px', ...look }: NumberLook,
  kind: typeof wholeNumberRule,
): Field {
  const wide = { ...look, width };
  return {
    look: wide,
    properties: (name, place) => {
      const inRange = kind(min, max, () => RED._(textOf(place.type, invalid ?? `invalid.${name}`)));
      const check: Check = (present, node, opt) =>
        needed && !needed(node) ? true : inRange.call(node, present, opt);
      return { [name]: checked(value, check) };
    },
    html: (name, place) =>
      labelHtml(name, wide, place) + inputHtml(name, 'text', wide, place) + afterHtml(wide, place),
    shown: (name, place) =>
      [presentOf(name, place), look.after && RED._(textOf(place.type, look.after))].filter(Boolean).join(' '),
  };
}

/** A whole number in a range, or blank. */
export const wholeNumber = (look: NumberLook): Field => numberField(look, wholeNumberRule);
/** A number of seconds in a range, or blank. */
export const seconds = (look: NumberLook): Field =>
  numberField({ after: 'form.unit.s', ...look }, secondsRule);

interface ChoiceLook extends Look {
  /** Of a new node. Default: the first option. */
  value?: unknown;
  options: string[];
  /** Beginning of the keys of the texts. Default: the name of the field. */
  texts?: string;
  /** The key of the text of an option whose value is empty. */
  blank?: string;
  /** The option for a node that was saved before this field existed. Default: that of a new node. */
  usual?: (node: EditedNode) => string;
}

/** One of several options. */
export function choice({ value, options, texts, blank = 'none', usual, ...look }: ChoiceLook): Field {
  const first = value ?? options[0];
  return {
    look,
    properties: (name) => ({ [name]: { value: first } }),
    html: (name, place) => {
      const option = (one: string) =>
        `<option value="${one}" ${i18n(`${texts ?? name}.${one || blank}`, place)}></option>`;
      return `${labelHtml(name, look, place)}<select id="${place.prefix}-${name}" style="width: ${look.width ?? '70%'}">${options.map(option).join('')}</select>`;
    },
    prepare: (name, place, node) => {
      const select = inputOf(name, place);
      if (select.val() === null || select.val() === undefined) select.val(usual?.(node) ?? String(first));
    },
    shown: (name, place) => inputOf(name, place).find('option:selected').text(),
  };
}

/** A box to tick. */
export function box({ value = false, ...look }: Look & { value?: boolean } = {}): Field {
  return {
    look,
    isBox: true,
    properties: (name) => ({ [name]: { value } }),
    html: (name, place) =>
      `<input type="checkbox" id="${place.prefix}-${name}" /> <label for="${place.prefix}-${name}" ${i18n(look.label ?? `label.${name}`, place)}></label>`,
  };
}

/** A config node of another type. */
export function config(type: string, { check, ...look }: Look & { check: Check }): Field {
  return {
    look,
    properties: (name) => ({ [name]: { value: '', type, validate: rule(check) } }),
    html: (name, place) =>
      `${labelHtml(name, look, place)}<input type="text" id="${place.prefix}-${name}" style="width: calc(100% - 135px)" />`,
  };
}

/** A text of its own; without `text` it is filled in later. */
export function tip({ text: key, role, ...look }: Look & { text?: string; role?: string } = {}): Field {
  return {
    look,
    isTip: true,
    properties: () => ({}),
    html: (_name, place) => `<div${role ? ` role="${role}"` : ''}${key ? ` ${i18n(key, place)}` : ''}></div>`,
  };
}

/** A property without a row of its own, filled by other fields. */
export function hidden(value: unknown): Field {
  return {
    look: {},
    isHidden: true,
    properties: (name) => ({ [name]: { value } }),
    html: (name, place) => `<input type="hidden" id="${place.prefix}-${name}" />`,
  };
}

/** A JSONata expression. */
export function expression({ needed, ...look }: TextLook & { needed: (node: EditedNode) => boolean }): Field {
  const { value = '' } = look;
  return {
    look,
    properties: (name, place) => {
      const check: Check = (present, node, opt) => {
        if (!needed(node)) return true;
        if (isBlank(present)) return RED._(textOf(place.type, `invalid.${name}`));
        return RED.utils.validateTypedProperty(String(present), 'jsonata', opt);
      };
      return { [name]: checked(value, check) };
    },
    html: (name, place) => labelHtml(name, look, place) + inputHtml(name, 'text', look, place),
    prepare: (name, place) => {
      inputOf(name, place).typedInput({ default: 'jsonata', types: ['jsonata'] });
    },
  };
}

/** A type of Core, or a type of our own in braces, like `{each}`. */
export type InputType = WidgetTypedInputType | `{${string}}`;

type TypeOption = WidgetTypedInputType | { value: string; label: string; icon?: string; hasValue?: boolean };

export interface TypedLook extends Look {
  value?: unknown;
  /** The first one is that of a new node. Of our own types only `{pattern}` has a value. */
  types: readonly InputType[];
  check?: TypedCheck;
  /** Key of the text for a blank field. */
  required?: string;
  /** A blank field is valid. */
  mayBeBlank?: boolean;
}

/** A value with a type, as in Core's nodes. The property `<name>Type` has the type. */
export function typed(look: TypedLook): Field {
  const { value = '', types, check, required, mayBeBlank } = look;
  const isOwn = (one: InputType): one is `{${string}}` => one.startsWith('{');
  return {
    look,
    properties: (name, place) => {
      const decide: TypedCheck = (present, type, node) => {
        const verdict = check?.(present, type, node);
        if (verdict !== undefined) return verdict;
        if (mayBeBlank && present === '') return true;
        return required && isBlank(present) ? RED._(textOf(place.type, required)) : undefined;
      };
      return { [name]: { value, validate: typedInput(name, decide) }, [`${name}Type`]: { value: types[0] } };
    },
    html: (name, place) =>
      `${labelHtml(name, look, place)}${inputHtml(name, 'text', look, place)}<input type="hidden" id="${place.prefix}-${name}Type" />`,
    prepare: (name, place) => {
      const option = (one: InputType): TypeOption => {
        if (!isOwn(one)) return one;
        const type = one.slice(1, -1);
        return {
          value: type,
          label: RED._(
            textOf(
              place.type,
              type === 'list' || type === 'pattern' ? `form.label.${type}` : `label.${type}`,
            ),
          ),
          icon: type === 'pattern' ? 'fa fa-asterisk' : 'fa fa-list',
          hasValue: type === 'pattern',
        };
      };
      inputOf(name, place).typedInput({
        default: types[0] ?? 'str',
        typeField: `#${place.prefix}-${name}Type`,
        types: types.map(option),
      });
    },
    shown: (name, place) => presentOf(name, place),
  };
}
