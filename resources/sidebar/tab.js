/** The tab as a whole: chooses a store, shows its keys as long as it can be seen, and has them changed. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  const READ = 'statestore.read';
  const WRITE = 'statestore.write';
  /** How long a row that has changed is marked, in milliseconds. */
  const FLASH_MS = 700;
  const STATE_ICONS = {
    connected: 'fa-check-circle statestore-good',
    connecting: 'fa-circle-o-notch',
    closed: 'fa-circle-o-notch',
  };
  const KIND_ICONS = { lock: 'fa-lock', role: 'fa-flag' };
  /** Characters of the keys that the runtime is told to be seen; it takes no request of 5 MB. */
  const MOST_SEEN = 3_000_000;
  /** How often a value that changes all the time is asked for as a whole. */
  const MOST_TRIES = 3;
  /** What changes by itself and can be clicked. Not the boxes around: their scroll bars are pressed as well. */
  const PRESSED = '.statestore-key, .statestore-detail *';

  class Tab {
    element;
    #words = window.stateStoreEditor.wordsOf('statestore-sidebar');
    #texts = window.stateStoreEditor.wordsOf('statestore-config');
    #stores = [];
    #store;
    #watch;
    #keys = new sidebar.Keys();
    #list;
    #detail;
    /** The value of the selected key that was fetched as a whole. */
    #whole;
    /** Of other stores: what was deleted there and can be set again. */
    #restorable = new Map();
    #state;
    #isSeen = false;
    #active = false;
    #listing = 0;
    /** What to add to the clock of this browser for that of Node-RED, in milliseconds. */
    #ahead = 0;
    #ticking;
    #parts = {};
    /** While it is down nothing is drawn anew. */
    #press;
    /** Timers of the rows that are marked. */
    #flashes = new Map();

    constructor() {
      const words = this.#words;
      this.#list = new sidebar.KeyList({
        label: words('label.keys'),
        render: (row, id) => this.#render(row, id),
        select: (id) => this.#select(id),
        see: () => this.#see(),
        isHeld: () => this.#press.isDown,
      });
      this.#detail = new sidebar.Detail(words, {
        set: (id) => this.#askSet(id),
        remove: (id) => this.#askRemove(id),
        release: (id) => this.#askRelease(id),
        forget: (id) => this.#forget(id),
        whole: (id) => this.#showWhole(id),
        reveal: (id) => this.#reveal(id),
      });
      this.element = this.#build();
      this.#press = new sidebar.Press(this.element, PRESSED, () => {
        this.#draw();
        this.#list.update(this.#list.drawn);
      });
      new IntersectionObserver((entries) => {
        this.#isSeen = entries.at(-1).isIntersecting;
        this.#arrange();
      }).observe(this.element[0]);
      document.addEventListener('visibilitychange', () => this.#arrange());
      RED.events.on('deploy', () => this.#reload());
      RED.comms.subscribe('notification/runtime-deploy', () => this.#reload());
      RED.events.on('login', () => this.#restart());
      RED.events.on('logout', () => {
        sidebar.memory.forget();
        this.#end();
        this.#forgetAll();
      });
    }

    static get mayRead() {
      return RED.user.hasPermission(READ);
    }

    get #mayWrite() {
      return RED.user.hasPermission(WRITE);
    }

    get #now() {
      return Date.now() + this.#ahead;
    }

    #build() {
      const words = this.#words;
      const button = (name, icon, act) => {
        const label = words(`button.${name}`);
        const one = $('<button>', {
          type: 'button',
          class: 'red-ui-button red-ui-button-small',
          'aria-label': label,
        })
          .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': true }))
          .on('click', act);
        RED.popover.tooltip(one, label);
        return one;
      };
      const select = $('<select>', { class: 'statestore-stores', 'aria-label': words('label.store') });
      select.on('change', () => this.#choose(select.val()));
      const test = button('test', 'fa-plug', () => this.#test());
      const add = button('add', 'fa-plus', () => this.#askSet());
      const state = $('<div>', { class: 'statestore-state', role: 'status' });
      const filter = $('<input>', { type: 'text', 'aria-label': words('label.filter') });
      filter.attr({ placeholder: words('label.filter'), autocomplete: 'off', spellcheck: false });
      const search = $('<div>', { class: 'statestore-search red-ui-sidebar-header' }).append(filter);
      const lookUp = $('<button>', { type: 'button', class: 'red-ui-button red-ui-button-small' });
      lookUp.on('click', () => this.#lookUp());
      const hint = $('<div>', { class: 'statestore-hint' });
      const hintText = $('<p>').appendTo(hint);
      hint.append(lookUp);
      // Until it is known which store to search.
      search.hide();
      this.#parts = { select, test, add, state, filter, search, hint, hintText, lookUp };
      const header = $('<div>', { class: 'red-ui-sidebar-header statestore-header' }).append(
        select,
        $('<span>', { class: 'button-group' }).append(test, add),
      );
      const root = $('<div>', { class: 'statestore-sidebar' }).append(
        header,
        state,
        search,
        hint,
        this.#list.element,
        this.#detail.element,
      );
      filter.searchBox({ style: 'compact', delay: 50, change: () => this.#onFilter() });
      root.find('.red-ui-searchBox-clear').attr('aria-label', words('button.clear'));
      // The box itself hears keys only: not what is pasted or dropped.
      filter.on('input', ({ originalEvent }) => {
        if (!originalEvent?.isComposing) filter.searchBox('value', filter.val());
      });
      filter.on('keydown', (event) => {
        if (event.key === 'Enter') this.#lookUp();
      });
      return root;
    }

    /** Works only while the tab can be seen, by somebody who may. */
    #arrange() {
      const active = this.#isSeen && !document.hidden && Tab.mayRead;
      if (active === this.#active) return;
      this.#active = active;
      if (active) this.#begin();
      else this.#end();
    }

    #begin() {
      this.#ticking = setInterval(() => this.#tick(), 1000);
      this.#draw();
      return this.#reload();
    }

    #end() {
      clearInterval(this.#ticking);
      this.#watch?.end();
      this.#watch = undefined;
      this.#active = false;
    }

    #restart() {
      this.#end();
      this.#forgetAll();
      this.#arrange();
    }

    /** Forgets everything that came from any store. */
    #forgetAll() {
      this.#restorable.clear();
      this.#clear();
    }

    /** Forgets everything that came from a store. */
    #clear() {
      this.#keys = new sidebar.Keys();
      this.#keys.setFilter(this.#filterText);
      this.#whole = undefined;
      this.#state = undefined;
      this.#list.select(undefined);
      this.#draw();
    }

    /** Asks which stores there are, and which keys the nodes of the chosen one name. */
    async #reload() {
      if (!this.#active) return;
      try {
        this.#stores = await sidebar.runtime.stores();
      } catch (xhr) {
        this.#onTrouble(sidebar.runtime.reasonOf(xhr));
        if (this.#active && !this.#watch) setTimeout(() => this.#reload(), 2000);
        return;
      }
      if (!this.#active) return;
      this.#drawStores();
      const wanted = this.#store ?? sidebar.memory.store();
      const isThere = this.#stores.some(({ id }) => id === wanted);
      const chosen = isThere ? wanted : (this.#store ?? this.#stores[0]?.id);
      if (!chosen) {
        this.#state = { kind: 'none' };
        this.#drawState();
        this.#draw();
      } else if (chosen !== this.#store || !this.#watch) {
        this.#use(chosen);
      } else {
        this.#loadNamed();
      }
    }

    /** What the user chose. */
    #choose(store) {
      sidebar.memory.chooseStore(store);
      this.#use(store);
    }

    #use(store) {
      this.#watch?.end();
      if (store !== this.#store) {
        if (this.#store) this.#restorable.set(this.#store, this.#keys.restorable);
        this.#clear();
        this.#keys.restore(this.#restorable.get(store) ?? []);
      }
      this.#store = store;
      this.#parts.select.val(store);
      this.#keys.setLooked(sidebar.memory.looked(store));
      const watch = new sidebar.runtime.Watch(store, {
        tell: (message) => this.#onMessage(message),
        trouble: (reason) => this.#onTrouble(reason),
      });
      this.#watch = watch;
      this.#loadNamed();
      this.#see();
      watch.start();
      this.#draw();
    }

    async #loadNamed() {
      const store = this.#store;
      if (!this.#stores.some(({ id }) => id === store)) return;
      try {
        const named = await sidebar.runtime.namedKeys(store);
        if (store !== this.#store) return;
        this.#keys.setNamed(named);
        this.#draw();
      } catch {
        // The watch says what is wrong.
      }
    }

    #onMessage({ now, state, keys = [], listed = [], relist, deployed }) {
      this.#ahead = now - Date.now();
      if (state) {
        this.#state = state;
        this.#drawState();
        if (state.kind === 'gone') this.#reload();
      }
      if (deployed) this.#reload();
      if ((state?.lists || relist) && this.#state?.lists) this.#listAll();
      for (const [id, exists] of listed) {
        if (exists) this.#keys.addListed([id]);
        else this.#keys.removeListed(id);
      }
      for (const [id, shown] of keys) {
        const isChange = this.#keys.tell(id, shown);
        // What was fetched may be newer than what was told until now.
        if (id === this.#whole?.id && shown.version !== this.#whole.shown.version) this.#whole = undefined;
        if (isChange) this.#flash(id);
      }
      if (listed.length > 0) this.#draw();
      if (!this.#press.isDown) this.#list.update(keys.map(([id]) => id));
      this.#drawDetail();
    }

    #onTrouble({ kind, message }) {
      if (kind === 'forbidden') this.#forgetAll();
      this.#state = { kind, detail: message };
      this.#drawState();
      this.#draw();
    }

    /** Page by page; the first one is shown at once. */
    async #listAll() {
      const number = ++this.#listing;
      const watch = this.#watch;
      const end = this.#keys.beginListing();
      try {
        for (let more = true, anew = true; more; anew = false) {
          const page = await watch.list(anew);
          if (number !== this.#listing || watch !== this.#watch) return;
          this.#keys.addListed(page.keys);
          more = page.more;
          this.#draw();
        }
        end();
        this.#draw();
      } catch {
        // A connection that is lost meanwhile says so by itself, and comes with a new list.
      }
    }

    /** The selected key, and all keys whose rows exist, as far as the runtime takes them. */
    #see() {
      const { selected, drawn } = this.#list;
      let left = MOST_SEEN;
      const seen = [...new Set(selected ? [selected, ...drawn] : drawn)].filter((id) => {
        if (sidebar.key.isTooLong(id) || id.length > left) return false;
        left -= id.length;
        return true;
      });
      this.#watch?.see(seen);
    }

    #select(id) {
      this.#whole = undefined;
      this.#keys.keep(id);
      // The key that was selected before may go with that.
      this.#draw();
      this.#see();
    }

    #onFilter() {
      this.#keys.setFilter(this.#filterText);
      this.#list.element[0].scrollTop = 0;
      this.#draw();
    }

    get #filterText() {
      return this.#parts.filter.val().trim();
    }

    /** The key that stands in the filter, whether or not anybody names it. */
    #lookUp() {
      const text = this.#filterText;
      if (text === '' || !this.#hasStore) return;
      this.#add(sidebar.key.idOf(text));
    }

    /** Adds a key to those that were looked up, and selects it. */
    #add(id) {
      const entry = this.#keys.get(id);
      if (!entry?.named && !entry?.listed) {
        sidebar.memory.look(this.#store, [...sidebar.memory.looked(this.#store), id]);
        this.#keys.setLooked(sidebar.memory.looked(this.#store));
      }
      this.#draw();
      this.#list.select(id, { reveal: true });
    }

    #forget(id) {
      const left = sidebar.memory.looked(this.#store).filter((one) => one !== id);
      sidebar.memory.look(this.#store, left);
      this.#keys.setLooked(left);
      this.#keys.drop(id);
      this.#list.select(undefined);
      this.#draw();
      this.#parts.filter.trigger('focus');
    }

    #reveal(id) {
      if (RED.nodes.node(id)) RED.view.reveal(id);
      else RED.notify(this.#words('message.noNode'), 'warning');
    }

    #drawStores() {
      const { select } = this.#parts;
      const before = this.#store;
      select.empty();
      for (const { id, name, address } of this.#stores) {
        const label = name || address || this.#texts('place.environment');
        $('<option>', { value: id }).text(label).appendTo(select);
      }
      if (before && !this.#stores.some(({ id }) => id === before)) {
        $('<option>', { value: before }).text(this.#words('label.goneStore')).appendTo(select);
      }
      select.val(before ?? select.val());
      select.prop('disabled', this.#stores.length === 0);
    }

    get #storeName() {
      return this.#parts.select.find('option:selected').text();
    }

    #drawState() {
      const { kind, reason, detail, lists } = this.#state ?? {};
      const icon = STATE_ICONS[kind] ?? 'fa-exclamation-circle statestore-bad';
      const text = reason
        ? window.stateStoreEditor.failure(reason, detail)
        : this.#words(`state.${kind ?? 'connecting'}`, { detail });
      const prefix = this.#state?.prefix;
      this.#parts.state
        .empty()
        .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': true }), ' ', $('<span>').text(text));
      if (prefix) $('<div>').text(this.#words('state.prefix', { prefix })).appendTo(this.#parts.state);
      this.#parts.state.attr('data-kind', kind).attr('data-lists', String(Boolean(lists)));
    }

    /** Whether there is a store, and somebody who may look into it. */
    get #hasStore() {
      return this.#store !== undefined && this.#state?.kind !== 'forbidden';
    }

    /** The list, what is said instead of it, and the buttons. */
    #draw() {
      if (this.#press.isDown) return;
      const words = this.#words;
      const { test, add, search, hint, hintText, lookUp, filter } = this.#parts;
      const hasStore = this.#hasStore;
      test.toggle(hasStore && this.#mayWrite);
      add.toggle(hasStore && this.#mayWrite);
      search.toggle(hasStore);
      const visible = hasStore ? this.#keys.visible : [];
      this.#list.setKeys(visible);
      const text = this.#filterText;
      if (text) filter.searchBox('count', `${visible.length} / ${this.#keys.size}`);
      else filter.searchBox('count', '');
      const isKnown = text !== '' && this.#keys.get(sidebar.key.idOf(text)) !== undefined;
      const isOffered = hasStore && text !== '' && !isKnown;
      lookUp.toggle(isOffered).text(words('button.lookUp', { key: sidebar.key.shortened(text, 40) }));
      const says = isOffered
        ? words(this.#state?.lists ? 'hint.notShown' : 'hint.noList')
        : hasStore && visible.length === 0
          ? words(this.#state?.lists ? 'hint.emptyList' : 'hint.empty')
          : '';
      hintText.text(says);
      hint.toggle(says !== '');
      this.#drawDetail();
    }

    #drawDetail() {
      if (this.#press.isDown) return;
      const id = this.#list.selected;
      const entry = id && this.#keys.get(id);
      if (!entry) {
        this.#detail.hide();
        return;
      }
      const whole = this.#whole?.id === id ? this.#whole.shown : undefined;
      const shown = this.#keys.shown(id);
      this.#detail.show({ entry, shown, now: this.#now, mayWrite: this.#mayWrite, whole });
    }

    #tick() {
      for (const id of this.#list.drawn) this.#drawAge($(this.#list.row(id)), id);
      this.#drawDetail();
    }

    /** A row of the list: the key, how old its value is, and the value in one line. */
    #render(row, id) {
      const { text, named } = this.#keys.get(id) ?? { text: '' };
      const shown = this.#keys.shown(id);
      if (row.children().length === 0) {
        row.append(
          $('<div>', { class: 'statestore-key-line' }).append(
            $('<i>', { 'aria-hidden': true }),
            $('<span>', { class: 'statestore-key-text' })
              .text(sidebar.key.shortened(text))
              .attr('title', sidebar.key.shortened(text, 1000)),
            $('<span>', { class: 'statestore-key-age' }),
          ),
          $('<div>', { class: 'statestore-key-value' }),
        );
      }
      const kind = shown?.holder ? (KIND_ICONS[named?.kind] ?? KIND_ICONS.lock) : KIND_ICONS[named?.kind];
      row.find('i').attr('class', `fa ${kind ?? 'fa-key'}`);
      row
        .find('.statestore-key-value')
        .empty()
        .append(this.#summary(id, shown, named));
      this.#drawAge(row, id);
    }

    #drawAge(row, id) {
      const shown = this.#keys.shown(id);
      const time = sidebar.value.timeOf(shown?.version);
      const text = shown?.found && time ? sidebar.value.age(this.#words, this.#now - time) : '';
      const age = row.find('.statestore-key-age');
      if (age.text() === text) return;
      age.text(text).attr('title', time ? new Date(time).toISOString() : '');
    }

    #summary(id, shown, named) {
      const words = this.#words;
      const note = (text) => $('<span>', { class: 'statestore-note' }).text(text);
      if (sidebar.key.isTooLong(id)) return note(words('value.longKey'));
      if (!shown) return note('…');
      if (shown.error) {
        const short = window.stateStoreEditor.shortError(shown.error.code) ?? shown.error.message;
        return note(short).addClass('statestore-bad-text');
      }
      if (!shown.found) return note(words(named && named.kind !== 'key' ? 'value.free' : 'value.missing'));
      if (shown.holder) return note(words('value.held', { holder: shown.holder }));
      return sidebar.value.element(shown);
    }

    /**
     * Marks the row of a key that has changed, for a moment. No animation: where keys change all the time it would have the browser
     * draw every frame.
     */
    #flash(id) {
      this.#list.row(id)?.classList.add('changed');
      clearTimeout(this.#flashes.get(id));
      const fade = () => {
        this.#flashes.delete(id);
        this.#list.row(id)?.classList.remove('changed');
      };
      this.#flashes.set(id, setTimeout(fade, FLASH_MS));
    }

    /** Shows all of the selected value, unless another store or key is chosen by the time it is here. */
    async #showWhole(id) {
      const store = this.#store;
      const version = () => this.#keys.shown(id)?.version;
      try {
        for (let tries = 0; tries < MOST_TRIES; tries++) {
          const before = version();
          const shown = await sidebar.runtime.value(store, id);
          if (!this.#isAt(store, id)) return;
          // Told meanwhile: which one is the newer is not known.
          if (version() !== before && version() !== shown.version) continue;
          this.#whole = { id, shown };
          this.#drawDetail();
          return;
        }
      } catch (xhr) {
        if (this.#isAt(store, id)) RED.notify(document.createTextNode(this.#explain(xhr)), 'error');
      }
    }

    #isAt(store, id) {
      return store === this.#store && id === this.#list.selected;
    }

    /** Why something could not be done, in words. */
    #explain(reason) {
      if (reason.kind === 'input') return reason.message;
      const { kind, message, code } = sidebar.runtime.reasonOf(reason);
      if (kind === 'refused' && code) return window.stateStoreEditor.failure(code, message);
      return kind === 'refused' ? message : this.#words(`state.${kind}`, { detail: message });
    }

    #dialog(kind, options) {
      return sidebar.dialog[kind]({
        words: this.#words,
        explain: (reason) => this.#explain(reason),
        ...options,
      });
    }

    /** Asks for a value; for a key that is there or was deleted it begins with what it holds or held. */
    async #askSet(id) {
      const [store, name] = [this.#store, this.#storeName];
      let value = id && this.#keys.shown(id);
      if (value && !value.found) value = value.last;
      if (value?.cut && this.#keys.shown(id)?.found) {
        try {
          value = await sidebar.runtime.value(store, id);
        } catch {
          value = undefined;
        }
        if (!this.#isAt(store, id)) return;
      }
      this.#dialog('set', {
        store: name,
        key: id,
        value: value?.found && !value.cut ? editable(value) : undefined,
        set: async (change) => {
          const { stored } = await sidebar.runtime.set({ store, ...change });
          if (!stored) throw { kind: 'input', message: this.#words('set.notNew') };
          if (store === this.#store) this.#add(change.key);
        },
      });
    }

    #askRemove(id) {
      const [store, key] = [this.#store, sidebar.key.shortened(sidebar.key.textOf(id))];
      this.#dialog('confirm', {
        title: this.#words('remove.title'),
        text: this.#words('remove.question', { key, store: this.#storeName }),
        button: this.#words('button.remove'),
        act: async () => {
          await this.#knowWhole(store, id);
          const undo = this.#keys.beforeDeleting(id);
          try {
            await sidebar.runtime.remove({ store, key: id });
          } catch (xhr) {
            undo();
            throw xhr;
          }
        },
      });
    }

    /** Fetches what a key holds before it is deleted, as far as only the beginning is known, so that it can be set again. */
    async #knowWhole(store, id) {
      if (!this.#keys.shown(id)?.cut) return;
      try {
        const shown = await sidebar.runtime.value(store, id);
        if (store === this.#store && !shown.error) this.#keys.tell(id, shown);
      } catch {
        // The key is to be deleted all the same; that it can be set again is said only where it can.
      }
    }

    #askRelease(id) {
      const [store, key] = [this.#store, sidebar.key.shortened(sidebar.key.textOf(id))];
      const { holder, text } = this.#keys.shown(id);
      this.#dialog('confirm', {
        title: this.#words('release.title'),
        text: [
          this.#words('release.question', { key, store: this.#storeName, holder }),
          this.#words('release.warning'),
        ],
        button: this.#words('button.release'),
        act: async () => {
          const { deleted } = await sidebar.runtime.remove({ store, key: id, holder: text });
          if (!deleted) throw { kind: 'input', message: this.#words('release.notHeld') };
        },
      });
    }

    #test() {
      const store = this.#store;
      const list = $('<ul>', { class: 'statestore-test' });
      const running = $('<p>', { role: 'status' }).text(this.#texts('test.running'));
      this.#dialog('open', {
        title: `${this.#texts('label.test')}: ${this.#storeName}`,
        content: [running, list],
      });
      sidebar.runtime
        .test(store)
        .then((diagnosis) => {
          running.remove();
          window.stateStoreEditor.showTestResults(list, diagnosis);
        })
        .catch((xhr) => running.text(this.#explain(xhr)));
    }
  }

  /** A value as it is edited: JSON as JSON, other text as text, bytes in base64. */
  function editable({ text, base64 }) {
    if (base64 !== undefined) return { type: 'base64', text: base64 };
    try {
      const value = JSON.parse(text);
      return typeof value === 'object' && value !== null
        ? { type: 'json', text: JSON.stringify(value, null, 2) }
        : { type: 'text', text };
    } catch {
      return { type: 'text', text };
    }
  }

  sidebar.Tab = Tab;
})();
