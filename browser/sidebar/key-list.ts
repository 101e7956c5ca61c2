/** A list of keys of which only the rows that are seen exist, with one tab stop and the arrow keys. */

/** Height of a row in pixels; the style sheet of the tab agrees. */
const ROW = 44;
/** Rows above and below the visible part. */
const SPARE = 4;
/** How long scrolling rests before the visible keys are reported, in milliseconds. */
const REST_MS = 120;
let lists = 0;

interface Options {
  label: string;
  /** Fills a row, and fills it again whenever {@link KeyList.update} is called. */
  render(row: JQuery, id: string): void;
  select(id: string | undefined): void;
  /** The keys of the rows that are seen have changed. */
  see(): void;
  /** While it returns true no row moves. */
  isHeld(): boolean;
}

export class KeyList {
  /** For `append`. */
  readonly element: JQuery;
  readonly #rows: JQuery;
  readonly #options: Options;
  readonly #drawn = new Map<string, HTMLElement>();
  readonly #name = `statestore-keys-${++lists}`;
  #ids: string[] = [];
  #selected: string | undefined;
  #frame: number | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #reported = '';

  constructor(options: Options) {
    this.#options = options;
    this.element = $('<div>', {
      class: 'statestore-keys',
      role: 'listbox',
      tabindex: 0,
      'aria-label': options.label,
    });
    this.#rows = $('<div>', { class: 'statestore-keys-rows', role: 'presentation' }).appendTo(this.element);
    this.element.on('scroll', () => this.draw());
    this.element.on('keydown', (event) => this.#onKey(event));
    this.element.on('click', '.statestore-key', ({ currentTarget }) => this.select(currentTarget.dataset.id));
    new ResizeObserver(() => {
      // The details of the selected key take room below: its row stays in sight.
      this.#reveal(this.#selected);
      this.draw();
    }).observe(this.#box);
  }

  get #box(): HTMLElement {
    return this.element[0] as HTMLElement;
  }

  get selected(): string | undefined {
    return this.#selected;
  }

  /** Shows these keys, in this order. */
  setKeys(ids: string[]): void {
    this.#ids = ids;
    this.#rows.height(ids.length * ROW);
    this.element.toggle(ids.length > 0);
    this.draw();
  }

  /** Chooses a key; with `reveal` it is scrolled to. */
  select(id: string | undefined, { reveal = false } = {}): void {
    this.#selected = id;
    if (reveal) this.#reveal(id);
    this.draw();
    this.#options.select(id);
  }

  /** Scrolls to the row, no further than needed. */
  #reveal(id: string | undefined): void {
    const index = id === undefined ? -1 : this.#ids.indexOf(id);
    if (index < 0) return;
    const box = this.#box;
    const top = Math.min(box.scrollTop, index * ROW);
    box.scrollTop = Math.max(top, (index + 1) * ROW - box.clientHeight);
  }

  /** Draws the rows that are seen, with the next frame. */
  draw(): void {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      if (!this.#options.isHeld()) this.#draw();
    });
  }

  /** Calls `render` for these rows, as far as they exist. */
  update(ids: string[]): void {
    for (const id of ids) {
      const row = this.#drawn.get(id);
      if (row) this.#options.render($(row), id);
    }
  }

  /** The row of a key, if it exists. */
  row(id: string): HTMLElement | undefined {
    return this.#drawn.get(id);
  }

  scrollToTop(): void {
    this.#box.scrollTop = 0;
  }

  /** Keys whose rows exist. */
  get drawn(): string[] {
    return [...this.#drawn.keys()];
  }

  #draw(): void {
    const { clientHeight: height, scrollTop } = this.#box;
    const first = Math.max(0, Math.floor(scrollTop / ROW) - SPARE);
    const last = height === 0 ? 0 : Math.ceil((scrollTop + height) / ROW) + SPARE;
    const seen = this.#ids.slice(first, last);
    const kept = new Set(seen);
    for (const [id, row] of this.#drawn) {
      if (kept.has(id)) continue;
      row.remove();
      this.#drawn.delete(id);
    }
    let active: string | undefined;
    for (const [offset, id] of seen.entries()) {
      const row = this.#drawn.get(id) ?? this.#newRow(id);
      const index = first + offset;
      const selected = id === this.#selected;
      row.style.transform = `translateY(${index * ROW}px)`;
      row.setAttribute('aria-posinset', String(index + 1));
      row.setAttribute('aria-setsize', String(this.#ids.length));
      row.setAttribute('aria-selected', String(selected));
      row.classList.toggle('selected', selected);
      row.id = `${this.#name}-${index}`;
      if (selected) active = row.id;
    }
    if (active) this.element.attr('aria-activedescendant', active);
    else this.element.removeAttr('aria-activedescendant');
    this.#report(seen);
  }

  #newRow(id: string): HTMLElement {
    const row = document.createElement('div');
    row.className = 'statestore-key';
    row.setAttribute('role', 'option');
    row.dataset.id = id;
    this.#rows.append(row);
    this.#drawn.set(id, row);
    this.#options.render($(row), id);
    return row;
  }

  /** At once when nothing was seen before, otherwise when scrolling rests. */
  #report(seen: string[]): void {
    const text = seen.join(' ');
    clearTimeout(this.#rest);
    if (text === this.#reported) return;
    const report = () => {
      this.#reported = text;
      this.#options.see();
    };
    if (this.#reported === '') report();
    else this.#rest = setTimeout(report, REST_MS);
  }

  #onKey(event: JQuery.KeyDownEvent): void {
    const page = Math.max(1, Math.floor(this.#box.clientHeight / ROW) - 1);
    const present = this.#selected === undefined ? -1 : this.#ids.indexOf(this.#selected);
    const targets: Record<string, number> = {
      ArrowDown: present + 1,
      ArrowUp: Math.max(present, 1) - 1,
      PageDown: present + page,
      PageUp: present - page,
      Home: 0,
      End: this.#ids.length - 1,
    };
    const target = targets[event.key];
    if (target === undefined || this.#ids.length === 0) return;
    event.preventDefault();
    event.stopPropagation();
    this.select(this.#ids[Math.max(0, Math.min(target, this.#ids.length - 1))], { reveal: true });
  }
}
