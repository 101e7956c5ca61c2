/** What the dialogs of this package share. Each of them loads this file; the first time counts. */
window.stateStoreEditor ??= (() => {
  const MODULE = '@edgestate/node-red-statestore';

  /** The texts of a node: `words('label.key')`. */
  const wordsOf = (type) => (key, values) => RED._(`${MODULE}/${type}:${type}.${key}`, values);

  const isBlank = (value) => value === undefined || value === null || String(value).trim() === '';
  const isEnvironment = (value) => /^\$\{[^}]+\}$/.test(String(value).trim());

  /**
   * A validator for `defaults`: `check(value, node)` returns true, or the text that says what to do. The editor takes a text for an
   * error only from functions with two parameters.
   */
  const rule = (check) =>
    function (value, opt) {
      return check(value, this, opt);
    };

  /** A whole number in a range, or blank, or a variable of the environment. */
  const wholeNumber = (min, max, text) =>
    rule(
      (value) =>
        isBlank(value) ||
        isEnvironment(value) ||
        (/^\d+$/.test(String(value).trim()) && Number(value) >= min && Number(value) <= max) ||
        text(),
    );

  /** A number of seconds in a range, or blank, or a variable of the environment. */
  const seconds = (least, most, text) =>
    rule(
      (value) =>
        isBlank(value) || isEnvironment(value) || (Number(value) >= least && Number(value) <= most) || text(),
    );

  /** A typed input, whose type is in the property `<field>Type`; `check` comes first and decides unless it returns undefined. */
  const typedInput = (field, check = () => undefined) =>
    rule((value, node, opt) => {
      const typeField = `${field}Type`;
      const type = $(`#node-input-${typeField}`).val() || node[typeField];
      return check(value, type, node) ?? RED.validators.typedInput(typeField).call(node, value, opt);
    });

  /** The property of a node that needs a store, and one that is set up. */
  const store = (words) => ({
    value: '',
    type: 'statestore-config',
    validate: rule((value) => {
      if (isBlank(value) || value === '_ADD_') return words('invalid.store');
      const node = RED.nodes.node(value);
      return (node && node.valid !== false) || words('invalid.badStore');
    }),
  });

  /** A key as it is shown on the canvas: text as it is, what comes from elsewhere in braces. */
  function keyText(key, type) {
    if (isBlank(key)) return '';
    switch (type) {
      case 'str':
        return key;
      case 'msg':
        return `{${key}}`;
      case 'env':
        return `{$${key}}`;
      case 'jsonata':
        return template(key);
      case 'flow':
      case 'global':
        return `{${type}.${key.replace(/^#:\([^)]*\)::/, '')}}`;
      default:
        return `{${type}}`;
    }
  }

  /** `"machine/" & payload.id` as `machine/{payload.id}`; what is more than texts and names in a row is shown as it is, in braces. */
  function template(expression) {
    const parts = expression.match(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|&|[^"'&]+/g) ?? [];
    const operands = parts.map((part) => part.trim()).filter((part) => part !== '');
    const isRow = operands.every((part, index) => (index % 2 === 1) === (part === '&'));
    if (!isRow || operands.length % 2 === 0) return `{${expression}}`;
    return operands
      .filter((part) => part !== '&')
      .map((part) => (/^["']/.test(part) ? part.slice(1, -1) : `{${part}}`))
      .join('');
  }

  /** Chooses the store of a new node when there is only one, and says below the field how to add one when there is none. */
  function offerStore() {
    const select = $('#node-input-store');
    const offer = $('.statestore-offer');
    const isChosen = () => !isBlank(select.val()) && select.val() !== '_ADD_';
    const stores = () => select.find('option').filter((_index, option) => option.value !== '_ADD_');
    const arrange = () => offer.toggle(stores().length === 0);
    offer.find('a').on('click', (event) => {
      event.preventDefault();
      $('#node-input-btn-store-add').trigger('click');
    });
    select.on('change', arrange);
    if (!isChosen() && stores().length === 1) select.val(stores().val()).trigger('change');
    arrange();
  }

  /** Whether one of these properties differs from that of a new node. */
  const differs = (node, names) =>
    names.some(
      (name) => node[name] !== undefined && String(node[name]) !== String(node._def.defaults[name].value),
    );

  /** Folds each part of a form away whose options (`data-options`) are those of a new node. `inside` is any field of the form. */
  function foldOptions(node, inside) {
    for (const element of $(inside).closest('form').find('.statestore-fold')) {
      const header = $(element);
      const body = header.next();
      const show = (open) => {
        header.attr('aria-expanded', String(open)).find('i').toggleClass('fa-rotate-90', open);
        body.toggle(open);
      };
      header.on('click', (event) => {
        event.preventDefault();
        show(header.attr('aria-expanded') !== 'true');
      });
      header.data('show', show);
      show(differs(node, header.data('options').split(' ')));
    }
    nameFields($(inside).closest('form'));
  }

  /** What people see beside a field is its name for those who do not, and the way to it: typed inputs hide the field a label is for. */
  function nameFields(form) {
    form.find('i.fa').attr('aria-hidden', 'true');
    for (const element of form.find('label[for]')) {
      const label = $(element);
      const row = label.closest('.form-row');
      const typed = row.find('.red-ui-typedInput-container').first();
      if (typed.length === 0) continue;
      // Its text is filled in later.
      label.attr('id', `${label.attr('for')}-label`);
      typed.find('input, button').attr('aria-labelledby', label.attr('id'));
      label.on('click', () =>
        typed.find('input:visible, .red-ui-typedInput-option-trigger:visible').first().trigger('focus'),
      );
    }
  }

  /** The box that gives a node its second output. Wires of the first one stay. */
  function secondOutput(node) {
    const box = $('#node-input-secondOutput').prop('checked', Number(node.outputs) === 2);
    box.on('change', () => $('#node-input-outputs').val(box.prop('checked') ? 2 : 1)).trigger('change');
  }

  /** The search of the palette finds our nodes by what people call such things, too. It looks into this attribute. */
  RED.events.on('registry:node-type-added', (type) => {
    if (!type.startsWith('statestore-')) return;
    const node = $(`.red-ui-palette-node[data-palette-type="${type}"]`);
    const label = node.attr('data-palette-label');
    if (label) node.attr('data-palette-label', `${label} ${wordsOf('statestore-config')('keywords')}`);
  });

  /** The text for a code or reason in the language of the editor, around what is known in English only. */
  function failure(reason, detail) {
    const text = RED._(`${MODULE}/statestore-config:statestore.error.${reason}`, { detail });
    return text.endsWith(`error.${reason}`) ? detail : text;
  }

  /** The few words for a code, as under a node; undefined where there are none. */
  function shortError(code) {
    const text = RED._(`${MODULE}/statestore-config:statestore.status.error.${code}`);
    return text.endsWith(`error.${code}`) ? undefined : text;
  }

  /** Fills a list with what *Test connection* found. */
  function showTestResults(list, { results, roundTrip }) {
    const words = wordsOf('statestore-config');
    list.empty();
    for (const { step, ok, message, reason } of results) {
      const text = ok ? words(`test.ok.${step}`, { ms: roundTrip }) : failure(reason, message);
      $('<li>')
        .append($('<i>').addClass(ok ? 'fa fa-check' : 'fa fa-times'), ' ')
        .append($('<b>').text(`${words(`test.step.${step}`)}: `))
        .append(document.createTextNode(text))
        .appendTo(list);
    }
  }

  return {
    failure,
    shortError,
    showTestResults,
    wordsOf,
    isBlank,
    isEnvironment,
    rule,
    wholeNumber,
    seconds,
    typedInput,
    store,
    keyText,
    offerStore,
    foldOptions,
    secondOutput,
  };
})();
