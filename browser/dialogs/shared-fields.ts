/** The fields that several dialogs have. Their texts are in the shared catalogue. */
import {
  choice,
  type Field,
  type InputType,
  inputOf,
  labelHtml,
  type Place,
  presentOf,
  type TypedLook,
  typed,
  wholeNumber,
} from './fields';
import { type Check, isBlank, rule, type TypedCheck } from './rules';
import { textOf } from './texts';

/** Value of the option of Core's list of config nodes that adds one. */
const ADD = '_ADD_';
const MESSAGE_TYPES: readonly InputType[] = ['msg', 'flow', 'global', 'env', 'jsonata'];
const NUMBER_TYPES: readonly InputType[] = ['num', 'msg', 'flow', 'global', 'env', 'jsonata'];
export const VALUE_TYPES: readonly InputType[] = [
  'msg',
  'flow',
  'global',
  'str',
  'num',
  'bool',
  'json',
  'bin',
  'date',
  'env',
  'jsonata',
];
const UNITS = ['ms', 's', 'min', 'h', 'd'];

/** The store, with an offer to add one if there is none. */
export function store(): Field {
  const look = { icon: 'database', label: 'form.label.store' };
  return {
    look,
    properties: (_name, { type }) => {
      const check: Check = (value) => {
        if (isBlank(value) || value === ADD) return RED._(textOf(type, 'form.invalid.store'));
        const node = RED.nodes.node(String(value));
        return (node !== null && node.valid !== false) || RED._(textOf(type, 'form.invalid.badStore'));
      };
      return { store: { value: '', type: 'statestore-config', validate: rule(check) } };
    },
    html: (name, place) =>
      `${labelHtml(name, look, place)}<input type="text" id="${place.prefix}-${name}" />`,
    prepare: (name, place) => offerStore(inputOf(name, place), place),
  };
}

/** Chooses the store of a new node if there is only one, and offers below the field to add one if there is none. */
function offerStore(select: JQuery, place: Place): void {
  const offer = $('<div>', { class: 'form-tips statestore-offer' })
    .append($('<span>').text(RED._(textOf(place.type, 'form.offer.text'))), ' ')
    .append($('<a>', { href: '#' }).text(RED._(textOf(place.type, 'form.offer.link'))))
    .insertAfter(select.closest('.form-row'));
  const stores = () => select.find('option').filter((_index, option) => $(option).val() !== ADD);
  const arrange = () => offer.toggle(stores().length === 0);
  offer.find('a').on('click', (event) => {
    event.preventDefault();
    $(`#${place.prefix}-btn-store-add`).trigger('click');
  });
  select.on('change', arrange);
  const isChosen = !isBlank(select.val()) && select.val() !== ADD;
  if (!isChosen && stores().length === 1) select.val(String(stores().val())).trigger('change');
  arrange();
}

/** The name of the node; `value` is offered for a new one. */
export function nodeName(value = ''): Field {
  const look = {
    icon: 'tag',
    label: 'node-red:common.label.name',
    placeholder: 'node-red:common.label.name',
  };
  return {
    look,
    properties: (name) => ({ [name]: { value } }),
    html: (name, place) =>
      `${labelHtml(name, look, place)}<input type="text" id="${place.prefix}-${name}" data-i18n="[placeholder]${look.placeholder}" style="width: 70%" />`,
  };
}

/** What a value is converted to. */
export const format = (): Field =>
  choice({
    icon: 'file-o',
    label: 'form.label.format',
    texts: 'form.format',
    options: ['auto-detect', 'buffer', 'utf8', 'json', 'base64', 'ndjson'],
  });

/** The property of the message that gets the value. */
export const property = (look: Partial<TypedLook> = {}): Field =>
  typed({
    icon: 'sign-out',
    label: 'form.label.property',
    value: 'payload',
    types: ['msg'],
    required: 'invalid.property',
    ...look,
  });

const positive =
  (place: () => string): TypedCheck =>
  (value, type) => {
    if (value === '') return true;
    return type === 'num' ? Number(value) > 0 || place() : undefined;
  };

/** The largest number of keys that a pattern may match. */
export const maxKeys = (): Field =>
  wholeNumber({
    ...{
      icon: 'list-ol',
      label: 'form.label.maxKeys',
      invalid: 'form.invalid.maxKeys',
      placeholder: '=1000',
    },
    ...{ min: 1, max: 10_000 },
    when: (present) => present('keyType') === 'pattern',
    needed: ({ keyType }) => ($('#node-input-keyType').val() || keyType) === 'pattern',
  });

/** How long the key is kept, with its unit. */
export function expiry(): Field {
  const look = {
    icon: 'hourglass-o',
    label: 'form.label.expiry',
    placeholder: 'form.placeholder.never',
    width: '38%',
  };
  const field = typed({ ...look, types: NUMBER_TYPES });
  const unit = (name: string) => `${name}Unit`;
  return {
    ...field,
    properties: (name, place) => ({
      ...typed({
        ...look,
        types: NUMBER_TYPES,
        check: positive(() => RED._(textOf(place.type, 'form.invalid.expiry'))),
      }).properties(name, place),
      [unit(name)]: { value: 's' },
    }),
    html: (name, place) => {
      const option = (one: string) =>
        `<option value="${one}" data-i18n="${textOf(place.type, `form.unit.${one}`)}"></option>`;
      return `${field.html(name, place)} <select id="${place.prefix}-${unit(name)}" data-i18n="[aria-label]${textOf(place.type, 'form.label.expiry')}" style="width: 31%">${UNITS.map(option).join('')}</select>`;
    },
    prepare: (name, place, node) => {
      const select = inputOf(unit(name), place);
      // Nodes that were written by hand.
      if (!select.val()) select.val('s');
      field.prepare?.(name, place, node);
    },
    shown: (name, place) =>
      `${presentOf(name, place)} ${inputOf(unit(name), place).find('option:selected').text()}`,
  };
}

/** The fencing token of the message. */
export const fencingToken = (): Field =>
  typed({
    icon: 'shield',
    label: 'form.label.fencingToken',
    hint: 'form.hint.fencingToken',
    value: 'fencingToken',
    types: MESSAGE_TYPES,
    mayBeBlank: true,
  });

/** The box that gives a node its second output. Wires of the first one stay. */
export function secondOutput(): Field {
  return {
    look: {},
    isBox: true,
    properties: () => ({ outputs: { value: 1 } }),
    html: (name, place) =>
      `<input type="checkbox" id="${place.prefix}-${name}" /> <label for="${place.prefix}-${name}" data-i18n="${textOf(place.type, 'label.secondOutput')}"></label><input type="hidden" id="${place.prefix}-outputs" />`,
    prepare: (name, place) => {
      const tick = inputOf(name, place).prop('checked', Number(presentOf('outputs', place)) === 2);
      tick
        .on('change', () => {
          inputOf('outputs', place).val(tick.is(':checked') ? 2 : 1);
        })
        .trigger('change');
    },
  };
}
