/** A list of keys of which only the rows that are seen exist, with one tab stop and the arrow keys. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  /** Height of a row in pixels; the style sheet of the tab agrees. */
  const ROW = 44;
  /** Rows above and below what is seen. */
  const SPARE = 4;
  /** How long scrolling rests before what is seen is told, in milliseconds. */
  const REST_MS = 120;
  let lists = 0;

  sidebar.KeyList = class KeyList {
    /** For `appendTo`. */
    element;
    #rows;
    #ids = [];
    #selected;
    #drawn = new Map();
    #frame;
    #rest;
    #told = '';
    #name = `statestore-keys-${++lists}`;
    #options;

    /**
     * `render(row, id, position)` fills a row, and again whenever `update` is called. `select(id)` is called for the row that is chosen,
     * `see(ids)` for the keys of the rows that are seen, when that has changed. While `isHeld()` no row moves.
     */
    constructor({ label, render, select, see, isHeld }) {
      this.#options = { render, select, see, isHeld };
      this.element = $('<div>', {
        class: 'statestore-keys',
        role: 'listbox',
        tabindex: 0,
        'aria-label': label,
      });
      this.#rows = $('<div>', { class: 'statestore-keys-rows', role: 'presentation' }).appendTo(this.element);
      this.element.on('scroll', () => this.draw());
      this.element.on('keydown', (event) => this.#onKey(event));
      this.element.on('click', '.statestore-key', (event) => this.select(event.currentTarget.dataset.id));
      new ResizeObserver(() => {
        // What is known of the selected key takes room below: its row stays in sight.
        this.#reveal(this.#selected);
        this.draw();
      }).observe(this.element[0]);
    }

    get selected() {
      return this.#selected;
    }

    /** Shows these keys, in this order. */
    setKeys(ids) {
      this.#ids = ids;
      this.#rows.height(ids.length * ROW);
      this.element.toggle(ids.length > 0);
      this.draw();
    }

    /** Chooses a key; with `reveal` it is scrolled to. */
    select(id, { reveal = false } = {}) {
      this.#selected = id;
      if (reveal) this.#reveal(id);
      this.draw();
      this.#options.select(id);
    }

    /** Scrolls as little as need be for the row to be seen. */
    #reveal(id) {
      const index = this.#ids.indexOf(id);
      if (index < 0) return;
      const box = this.element[0];
      const top = Math.min(box.scrollTop, index * ROW);
      box.scrollTop = Math.max(top, (index + 1) * ROW - box.clientHeight);
    }

    /** Draws the rows that are seen, with the next frame. */
    draw() {
      this.#frame ??= requestAnimationFrame(() => {
        this.#frame = undefined;
        if (!this.#options.isHeld()) this.#draw();
      });
    }

    /** Calls `render` for these rows, as far as they exist. */
    update(ids) {
      for (const id of ids) {
        const row = this.#drawn.get(id);
        if (row) this.#options.render($(row), id);
      }
    }

    /** The row of a key, if it exists. */
    row(id) {
      return this.#drawn.get(id);
    }

    /** Keys whose rows exist. */
    get drawn() {
      return [...this.#drawn.keys()];
    }

    #draw() {
      const box = this.element[0];
      const height = box.clientHeight;
      const first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
      const last = height === 0 ? 0 : Math.ceil((box.scrollTop + height) / ROW) + SPARE;
      const seen = this.#ids.slice(first, last);
      const kept = new Set(seen);
      for (const [id, row] of this.#drawn) {
        if (kept.has(id)) continue;
        row.remove();
        this.#drawn.delete(id);
      }
      let active;
      for (const [offset, id] of seen.entries()) {
        const row = this.#drawn.get(id) ?? this.#newRow(id);
        const index = first + offset;
        const selected = id === this.#selected;
        row.style.transform = `translateY(${index * ROW}px)`;
        row.setAttribute('aria-posinset', index + 1);
        row.setAttribute('aria-setsize', this.#ids.length);
        row.setAttribute('aria-selected', selected);
        row.classList.toggle('selected', selected);
        row.id = `${this.#name}-${index}`;
        if (selected) active = row.id;
      }
      if (active) this.element.attr('aria-activedescendant', active);
      else this.element.removeAttr('aria-activedescendant');
      this.#tell(seen);
    }

    #newRow(id) {
      const row = $('<div>', { class: 'statestore-key', role: 'option' }).appendTo(this.#rows)[0];
      row.dataset.id = id;
      this.#drawn.set(id, row);
      this.#options.render($(row), id);
      return row;
    }

    /** At once when nothing was seen before, otherwise when scrolling rests. */
    #tell(seen) {
      const text = seen.join(' ');
      clearTimeout(this.#rest);
      if (text === this.#told) return;
      const tell = () => {
        this.#told = text;
        this.#options.see(seen);
      };
      if (this.#told === '') tell();
      else this.#rest = setTimeout(tell, REST_MS);
    }

    #onKey(event) {
      const page = Math.max(1, Math.floor(this.element[0].clientHeight / ROW) - 1);
      const present = this.#ids.indexOf(this.#selected);
      const target = {
        ArrowDown: present + 1,
        ArrowUp: Math.max(present, 1) - 1,
        PageDown: present + page,
        PageUp: present - page,
        Home: 0,
        End: this.#ids.length - 1,
      }[event.key];
      if (target === undefined || this.#ids.length === 0) return;
      event.preventDefault();
      event.stopPropagation();
      this.select(this.#ids[Math.max(0, Math.min(target, this.#ids.length - 1))], { reveal: true });
    }
  };
})();
