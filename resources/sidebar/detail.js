/** The lower part of the tab: all that is known of one key, and what can be done with it. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;

  sidebar.Detail = class Detail {
    element;
    #words;
    #acts;
    #title;
    #tools;
    #rows;
    #value;
    #drawn = '';
    /** What is unfolded, by key. */
    #unfolded = new Map();

    /** `acts`: set, remove, release, forget, whole, and reveal(nodeId), each called with the ID of the key. */
    constructor(words, acts) {
      this.#words = words;
      this.#acts = acts;
      this.#title = $('<h3>', { class: 'statestore-detail-key' });
      this.#tools = $('<span>', { class: 'statestore-detail-tools' });
      this.#rows = $('<tbody>');
      this.#value = $('<div>', { class: 'statestore-detail-value red-ui-debug-msg-payload' });
      this.element = $('<section>', {
        class: 'statestore-detail',
        'aria-label': words('label.detail'),
      }).append(
        $('<div>', { class: 'statestore-detail-header' }).append(this.#title, this.#tools),
        this.#value,
        $('<table>', { class: 'red-ui-info-table' }).append(this.#rows),
      );
      sidebar.value.reachable(this.#value);
      this.element.hide();
    }

    hide() {
      this.element.hide();
      this.#drawn = '';
    }

    /** Shows a key: `entry` and `shown` of {@link Keys}; `now` is the time of Node-RED; `mayWrite` whether there are buttons to change it. */
    show({ entry, shown, now, mayWrite, whole }) {
      const { id } = entry;
      const { named, looked, restorable } = entry;
      const drawn = JSON.stringify([id, shown, named, looked, restorable, mayWrite, Boolean(whole)]);
      if (drawn !== this.#drawn) {
        const isNew = !this.#drawn || JSON.parse(this.#drawn)[0] !== id;
        this.#drawn = drawn;
        this.#title.text(sidebar.key.shortened(entry.text, 400));
        this.#drawTools(entry, shown, mayWrite);
        this.#drawValue(id, whole ?? shown);
        if (isNew) this.element[0].scrollTop = 0;
      }
      this.#drawRows(entry, whole ?? shown, now);
      this.element.show();
    }

    #drawTools({ id, named, looked, restorable }, shown, given) {
      // The runtime takes no change of a key that is too long.
      const mayWrite = given && !sidebar.key.isTooLong(id);
      const focused = this.#tools.find(':focus').data('act');
      this.#tools.empty();
      const button = (act, icon, label = act) => {
        const words = this.#words(`button.${label}`);
        const one = $('<button>', {
          type: 'button',
          class: 'red-ui-button red-ui-button-small',
          'aria-label': words,
          title: words,
        })
          .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': true }))
          .data('act', act)
          .on('click', () => this.#acts[act](id))
          .appendTo(this.#tools);
        if (act === focused) one.trigger('focus');
      };
      if (mayWrite && shown?.holder) button('release', 'fa-unlock');
      if (mayWrite) button('set', 'fa-pencil');
      if (mayWrite && shown?.found) button('remove', 'fa-trash');
      const isOnlyKept = restorable && !named && shown?.found === false;
      if (looked || isOnlyKept) button('forget', 'fa-times');
    }

    #drawValue(id, shown) {
      const { activeElement } = document;
      const place = this.#value[0].contains(activeElement) && placeOf(this.#value[0], activeElement);
      this.#value.empty();
      this.#fillValue(id, shown);
      if (place) focusAt(this.#value[0], place);
    }

    #fillValue(id, shown) {
      const words = this.#words;
      if (sidebar.key.isTooLong(id)) {
        this.#value.append($('<p>').text(words('value.longKeyDetail')));
        return;
      }
      if (!shown) return;
      if (shown.error) {
        this.#value.append(
          $('<p>', { class: 'statestore-detail-error' }).text(
            window.stateStoreEditor.failure(shown.error.code, shown.error.message),
          ),
        );
        return;
      }
      if (!shown.found) {
        this.#value.append($('<p>').text(words(shown.last ? 'value.deleted' : 'value.missing')));
        return;
      }
      const unfolded = this.#unfolded.get(id) ?? new Set();
      this.#unfolded.set(id, unfolded);
      // Core writes under this path into an object of its own: a constant, so that no key can be "__proto__".
      const path = 'value';
      const element = sidebar.value.element(shown, {
        ...{ sourceId: `statestore/${id}`, path, rootPath: path, exposeApi: true },
        ontoggle: (where, isOpen) => {
          if (isOpen) unfolded.add(where);
          else for (const one of unfolded) if (one.startsWith(where)) unfolded.delete(one);
        },
      });
      sidebar.value.unfold(element, unfolded);
      this.#value.append(element);
      sidebar.value.reachable($(element));
      if (shown.cut) {
        const size = sidebar.value.size(shown.size);
        $('<p>')
          .text(`${words('value.cut', { size })} `)
          .append(
            $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' })
              .text(words('button.whole'))
              .on('click', () => this.#acts.whole(id)),
          )
          .appendTo(this.#value);
      }
    }

    #drawRows({ named }, shown, now) {
      const words = this.#words;
      const rows = [];
      const row = (name, content, title) => rows.push([words(`detail.${name}`), content, title]);
      const clock = (ms) => new Date(ms).toLocaleString();
      const time = sidebar.value.timeOf(shown?.version);
      if (shown?.holder) {
        row('holder', shown.holder);
        const until = shown.expires ?? (time && named?.lease ? time + named.lease : undefined);
        row(
          'until',
          until ? words('detail.untilTime', { time: clock(until) }) : words('detail.untilUnknown'),
        );
      } else if (shown?.expires) {
        row('expires', clock(shown.expires));
      }
      if (time) {
        const label = shown.holder ? 'renewed' : 'set';
        const exact = `${new Date(time).toISOString()}  ${shown.version}`;
        row(label, sidebar.value.age(words, now - time), exact);
      }
      if (shown?.found) row('size', sidebar.value.size(shown.size));
      const nodes = named?.nodes ?? [];
      const text = JSON.stringify([rows, nodes]);
      if (text === this.#rows.data('text')) return;
      // Only the ages change every second: links keep the focus.
      const isSame = JSON.stringify([rows.map(([name]) => name), nodes]) === this.#rows.data('shape');
      this.#rows.data({ text, shape: JSON.stringify([rows.map(([name]) => name), nodes]) });
      if (isSame) {
        rows.forEach(([, content, title], index) => {
          const cell = this.#rows.children().eq(index).children('td').last();
          if (cell.text() !== content) cell.text(content);
          if (title) cell.attr('title', title);
        });
        return;
      }
      this.#rows.empty();
      for (const [name, content, title] of rows) this.#row(name).text(content).attr('title', title);
      if (nodes.length > 0) {
        const list = $('<ul>').appendTo(this.#row(words('detail.nodes')));
        for (const node of nodes) $('<li>').append(this.#link(node)).appendTo(list);
      }
    }

    #row(name) {
      const cell = $('<td>');
      $('<tr>', { class: 'red-ui-help-info-row' }).append($('<td>').text(name), cell).appendTo(this.#rows);
      return cell;
    }

    #link({ id, type, name }) {
      const node = RED.nodes.node(id);
      const label = name || (node && RED.utils.getNodeLabel(node, '')) || type.replace('statestore-', '');
      return $('<a>', { href: '#', class: 'statestore-node-link' })
        .text(label)
        .on('click', (event) => {
          event.preventDefault();
          this.#acts.reveal(id);
        });
    }
  };

  /** Where an element stands: its number among its siblings, from `root` down. */
  function placeOf(root, element) {
    const place = [];
    for (let one = element; one !== root; one = one.parentElement)
      place.unshift([...one.parentElement.children].indexOf(one));
    return place;
  }

  /** Focuses what stands there, or else the first that can be focused. */
  function focusAt(root, place) {
    const found = place.reduce((one, index) => one?.children[index], root);
    for (const one of [found, root.querySelector('[tabindex], button')]) {
      one?.focus({ preventScroll: true });
      if (one && one === document.activeElement) return;
    }
  }
})();
