/** The store of a node. */
import { type Check, isBlank, rule, type Validator } from './rules';
import type { Words } from './words';

const ADD = '_ADD_';

/** The property of a node that needs a store with complete settings. */
export function store(words: Words): { value: string; type: string; validate: Validator } {
  const check: Check = (value) => {
    if (isBlank(value) || value === ADD) return words('invalid.store');
    const node = RED.nodes.node(String(value));
    return (node !== null && node.valid !== false) || words('invalid.badStore');
  };
  return { value: '', type: 'statestore-config', validate: rule(check) };
}

/** Chooses the store of a new node if there is only one, and offers below the field to add one if there is none. */
export function offerStore(): void {
  const select = $('#node-input-store');
  const offer = $('.statestore-offer');
  const stores = () => select.find('option').filter((_index, option) => $(option).val() !== ADD);
  const arrange = () => offer.toggle(stores().length === 0);
  offer.find('a').on('click', (event) => {
    event.preventDefault();
    $('#node-input-btn-store-add').trigger('click');
  });
  select.on('change', arrange);
  const isChosen = !isBlank(select.val()) && select.val() !== ADD;
  if (!isChosen && stores().length === 1) select.val(String(stores().val())).trigger('change');
  arrange();
}
