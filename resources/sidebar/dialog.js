/** The questions the tab asks before it changes something. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  let dialogs = 0;

  /**
   * A dialog as Core's own. `act(fail)` is called by its main button; when what it returns has resolved, the dialog closes; what it
   * rejects with is shown, as text of `explain(reason)`.
   */
  function open({ title, content, button, act, explain, words, width = 440 }) {
    const error = $('<div>', { class: 'statestore-dialog-error', role: 'alert' });
    const body = $('<div>', { class: 'statestore-dialog' }).append(content, error);
    let main;
    const run = async () => {
      error.text('');
      main.prop('disabled', true);
      try {
        await act();
        if (body.closest('body').length > 0) body.dialog('close');
      } catch (reason) {
        error.text(explain(reason));
        main.prop('disabled', false);
      }
    };
    const before = document.activeElement;
    body.dialog({
      ...{ modal: true, title, width, resizable: false, draggable: true, closeOnEscape: true },
      classes: { 'ui-dialog': 'red-ui-editor-dialog', 'ui-dialog-titlebar-close': 'hide' },
      buttons: [
        { text: words(button ? 'button.cancel' : 'button.close'), click: () => body.dialog('close') },
        ...(button ? [{ text: button, class: 'primary', click: run }] : []),
      ],
      open: () => RED.keyboard.disable(),
      close: () => {
        RED.keyboard.enable();
        before?.focus?.();
        // Core's handler of keys looks at where Escape was pressed.
        setTimeout(() => body.dialog('destroy').remove());
      },
    });
    main = body.parent().find('.ui-dialog-buttonpane .primary');
    return body;
  }

  const paragraph = (text) => $('<p>').text(text);

  /** Asks a question with yes and no. */
  function confirm({ text, ...rest }) {
    return open({ content: [text].flat().map(paragraph), ...rest });
  }

  /**
   * Asks what to set. `key` is fixed, or undefined for any; `value` is `{ type, text }` or undefined. `set(change)` gets
   * `{ key, value, type, expiry, onlyIfNew }`.
   */
  function set({ words, store, key, value, set: apply, ...rest }) {
    const number = ++dialogs;
    const idOf = (name) => `statestore-set-${name}-${number}`;
    const row = (name, field) =>
      $('<div>', { class: 'form-row' }).append(
        $('<label>', { for: idOf(name) }).text(words(`set.${name}`)),
        field.addClass('statestore-dialog-field').attr('id', idOf(name)),
      );
    const keyField = $('<input>', { type: 'text' }).attr({ autocomplete: 'off', spellcheck: false });
    if (key) keyField.val(sidebar.key.textOf(key)).prop('readonly', true);
    const type = $('<select>');
    for (const one of ['text', 'json', 'base64']) {
      $('<option>', { value: one })
        .text(words(`set.type.${one}`))
        .appendTo(type);
    }
    const text = $('<textarea>', { rows: 6, spellcheck: false });
    type.val(value?.type ?? 'text');
    text.val(value?.text ?? '');
    const expiry = $('<input>', { type: 'number', min: 0.001, step: 'any', placeholder: words('set.never') });
    const onlyIfNew = $('<input>', { type: 'checkbox', id: idOf('onlyIfNew') });
    const box = $('<div>', { class: 'form-row' }).append(
      $('<label>', { class: 'statestore-dialog-box' }).append(
        onlyIfNew,
        document.createTextNode(` ${words('set.onlyIfNew')}`),
      ),
    );
    return open({
      title: words('set.title', { store }),
      content: [row('key', keyField), row('as', type), row('value', text), row('expiry', expiry), box],
      button: words('button.set'),
      words,
      act: () => {
        const id = key ?? sidebar.key.idOf(keyField.val());
        if (id === '') return Promise.reject({ kind: 'input', message: words('set.noKey') });
        const seconds = expiry.val();
        if (seconds !== '' && !(Number(seconds) >= 0.001))
          return Promise.reject({ kind: 'input', message: words('set.badExpiry') });
        if (type.val() === 'json' && !isJson(text.val()))
          return Promise.reject({ kind: 'input', message: words('set.badJson') });
        return apply({
          ...{ key: id, value: text.val(), type: type.val(), onlyIfNew: onlyIfNew.prop('checked') },
          ...(seconds !== '' && { expiry: Math.round(Number(seconds) * 1000) }),
        });
      },
      ...rest,
    });
  }

  function isJson(text) {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }

  sidebar.dialog = { open, confirm, set };
})();
