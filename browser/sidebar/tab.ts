/** The tab as a whole: it follows the chosen store as long as the tab can be seen, and shows its keys. */
import { wordsOf } from '../dialogs/words';
import { Actions } from './actions';
import { Detail } from './detail';
import { Finder } from './finder';
import { idOf, isTooLong } from './key';
import { KeyList } from './key-list';
import { heldIn, Keys, type Seen } from './keys';
import { memory } from './memory';
import type { Held, WatchMessage } from './messages';
import { Press } from './press';
import { type RowContent, renderAge, renderRow } from './row';
import { type Reason, reasonOf, runtime } from './runtime';
import { type PickedState, StorePicker } from './store-picker';
import { Watch } from './watch';

const READ = 'statestore.read';
const WRITE = 'statestore.write';
/** How long a row that has changed is marked, in milliseconds. */
const FLASH_MS = 700;
/** How soon the stores are asked for again, in milliseconds. */
const RETRY_MS = 2000;
/** How soon a store that lists keys on request is asked for them again, and how long typing in the filter rests before. */
const RESCAN_MS = 30_000;
const TYPING_MS = 300;
/** Characters of the keys in one request to the runtime, which takes no request of 5 MB. */
const MAX_SEEN = 3_000_000;
/** Parts that are redrawn on changes and can be clicked. Not the boxes around: their scroll bars are pressed as well. */
const PRESSED = '.statestore-key, .statestore-detail *';

type Timer = ReturnType<typeof setTimeout>;

export class Tab {
  readonly element: JQuery;
  readonly #words = wordsOf('statestore-sidebar');
  readonly #picker: StorePicker;
  readonly #finder: Finder;
  readonly #list: KeyList;
  readonly #detail: Detail;
  readonly #actions: Actions;
  /** While it is down nothing is drawn again. */
  readonly #press: Press;
  /** Buttons that only people with the permission to write see. */
  readonly #writing: JQuery;
  /** Timers of the rows that are marked. */
  readonly #flashes = new Map<string, Timer>();
  /** Deleted values of other stores that can be set again. */
  readonly #restorable = new Map<string, [string, Held][]>();
  #keys = new Keys();
  #store: string | undefined;
  #state: PickedState | undefined;
  #watch: Watch | undefined;
  /** The value of the selected key that was read as a whole. */
  #whole: { id: string; shown: Seen } | undefined;
  #isSeen = false;
  /** Keys that Node-RED's shared context writes for itself are shown. */
  #showsInternal = false;
  #active = false;
  #listing = 0;
  /** The prefix of the keys that the store listed on request, and whether there are more of them. */
  #scanned = { prefix: '', more: false };
  #scanning: Timer | undefined;
  /** The clock of Node-RED less the clock of this browser, in milliseconds. */
  #ahead = 0;
  #ticking: Timer | undefined;

  constructor() {
    const words = this.#words;
    this.#picker = new StorePicker(words, (id) => {
      memory.chooseStore(id);
      this.#use(id);
    });
    this.#finder = new Finder(
      words,
      () => this.#lookUp(),
      (shows) => {
        this.#showsInternal = shows;
        this.#keys.showInternal(shows);
        this.#draw();
      },
    );
    this.#list = new KeyList({
      label: words('label.keys'),
      render: (row, id) => renderRow(words, row, this.#contentOf(id)),
      select: (id) => this.#select(id),
      see: () => this.#see(),
      isHeld: () => this.#press.isDown,
    });
    this.#actions = new Actions(words, this.#asPlace());
    this.#detail = new Detail(words, {
      set: (id) => void this.#actions.set(id),
      remove: (id) => this.#actions.remove(id),
      restore: (id) => void this.#actions.restore(id),
      release: (id) => this.#actions.release(id),
      forget: (id) => this.#forget(id),
      whole: (id) => void this.#showWhole(id),
      reveal: (id) => this.#reveal(id),
    });
    this.#writing = $('<span>', { class: 'button-group' }).append(
      this.#button('test', 'fa-plug', () => this.#actions.test()),
      this.#button('add', 'fa-plus', () => void this.#actions.set()),
    );
    this.element = $('<div>', { class: 'statestore-sidebar' }).append(
      $('<div>', { class: 'red-ui-sidebar-header statestore-header' }).append(
        this.#picker.select,
        this.#writing,
      ),
      this.#picker.state,
      this.#finder.search,
      this.#finder.hint,
      this.#list.element,
      this.#finder.internal,
      this.#detail.element,
    );
    this.#finder.start(() => this.#onFilter());
    this.#press = new Press(this.element, PRESSED, () => {
      this.#draw();
      this.#list.update(this.#list.drawn);
    });
    this.#listen();
  }

  static get mayRead(): boolean {
    return RED.user.hasPermission(READ);
  }

  get #mayWrite(): boolean {
    return RED.user.hasPermission(WRITE);
  }

  get #now(): number {
    return Date.now() + this.#ahead;
  }

  /** Whether there is a store, and the user may look into it. */
  get #hasStore(): boolean {
    return this.#store !== undefined && this.#state?.kind !== 'forbidden';
  }

  #asPlace() {
    const tab = this;
    return {
      get store() {
        return tab.#store;
      },
      get storeName() {
        return tab.#picker.name;
      },
      get keys() {
        return tab.#keys;
      },
      get lists() {
        return Boolean(tab.#state?.lists);
      },
      get now() {
        return tab.#now;
      },
      isAt: (store: string, id: string | undefined) => store === tab.#store && id === tab.#list.selected,
      add: (id: string) => tab.#add(id),
    };
  }

  #button(name: string, icon: string, act: () => void): JQuery {
    const label = this.#words(`button.${name}`);
    const one = $('<button>', {
      type: 'button',
      class: 'red-ui-button red-ui-button-small',
      'aria-label': label,
    })
      .append($('<i>', { class: `fa ${icon}`, 'aria-hidden': 'true' }))
      .on('click', act);
    RED.popover.tooltip(one, label);
    return one;
  }

  #listen(): void {
    new IntersectionObserver((entries) => {
      this.#isSeen = Boolean(entries.at(-1)?.isIntersecting);
      this.#arrange();
    }).observe(this.element[0] as HTMLElement);
    document.addEventListener('visibilitychange', () => this.#arrange());
    RED.events.on('deploy', () => void this.#reload());
    RED.comms.subscribe('notification/runtime-deploy', () => void this.#reload());
    RED.events.on('login', () => {
      this.#end();
      this.#forgetAll();
      this.#arrange();
    });
    RED.events.on('logout', () => {
      memory.forget();
      this.#end();
      this.#forgetAll();
    });
  }

  /** Works only while the tab can be seen, by a user with the permission to read. */
  #arrange(): void {
    const active = this.#isSeen && !document.hidden && Tab.mayRead;
    if (active === this.#active) return;
    this.#active = active;
    if (!active) {
      this.#end();
      return;
    }
    this.#ticking = setInterval(() => this.#tick(), 1000);
    this.#draw();
    void this.#reload();
  }

  #end(): void {
    clearInterval(this.#ticking);
    this.#watch?.end();
    this.#watch = undefined;
    this.#active = false;
  }

  /** Forgets everything that came from any store. */
  #forgetAll(): void {
    this.#restorable.clear();
    this.#clear();
  }

  /** Forgets everything that came from the chosen store. */
  #clear(): void {
    this.#keys = new Keys();
    this.#keys.setFilter(this.#finder.text);
    this.#keys.showInternal(this.#showsInternal);
    this.#whole = undefined;
    this.#state = undefined;
    this.#list.select(undefined);
    this.#draw();
  }

  /** Asks which stores there are, and which keys the nodes of the chosen one name. */
  async #reload(): Promise<void> {
    if (!this.#active) return;
    try {
      const stores = await runtime.stores();
      if (!this.#active) return;
      this.#picker.setStores(stores, this.#store);
    } catch (xhr) {
      this.#onTrouble(reasonOf(xhr));
      if (this.#active && !this.#watch) setTimeout(() => void this.#reload(), RETRY_MS);
      return;
    }
    const wanted = this.#store ?? memory.store();
    const chosen =
      wanted !== undefined && this.#picker.has(wanted) ? wanted : (this.#store ?? this.#picker.first);
    if (!chosen) this.#setState({ kind: 'none' });
    else if (chosen !== this.#store || !this.#watch) this.#use(chosen);
    else void this.#loadNamed(chosen);
  }

  #use(store: string): void {
    this.#watch?.end();
    if (store !== this.#store) {
      if (this.#store) this.#restorable.set(this.#store, this.#keys.restorable);
      this.#clear();
      this.#keys.restore(this.#restorable.get(store) ?? []);
    }
    this.#store = store;
    this.#picker.choose(store);
    this.#keys.setLooked(memory.looked(store));
    this.#watch = new Watch(store, {
      onMessage: (message) => this.#onMessage(message),
      onTrouble: (reason) => this.#onTrouble(reason),
    });
    void this.#loadNamed(store);
    this.#see();
    this.#watch.start();
    this.#draw();
  }

  async #loadNamed(store: string): Promise<void> {
    if (!this.#picker.has(store)) return;
    try {
      const named = await runtime.namedKeys(store);
      if (store !== this.#store) return;
      this.#keys.setNamed(named);
      this.#draw();
    } catch {
      // The watch reports what is wrong.
    }
  }

  #onMessage({ now, state, keys = [], listed = [], relist, deployed }: WatchMessage): void {
    this.#ahead = now - Date.now();
    if (state) {
      this.#state = state;
      this.#picker.showState(state);
    }
    if (deployed || state?.kind === 'gone') void this.#reload();
    if ((state?.lists || relist) && this.#state?.lists) void this.#listAll();
    if (state) clearTimeout(this.#scanning);
    if (state?.scans) void this.#scan(this.#finder.text);
    for (const [id, exists] of listed) {
      if (exists) this.#keys.addListed([id]);
      else this.#keys.removeListed(id);
    }
    for (const [id, shown] of keys) {
      const isChange = this.#keys.update(id, shown);
      // The whole value that was read may be newer than this message.
      if (id === this.#whole?.id && heldIn(shown)?.version !== heldIn(this.#whole.shown)?.version)
        this.#whole = undefined;
      if (isChange) this.#flash(id);
    }
    if (listed.length > 0) this.#draw();
    if (!this.#press.isDown) this.#list.update(keys.map(([id]) => id));
    this.#drawDetail();
  }

  #onTrouble({ kind, message }: Reason): void {
    if (kind === 'forbidden') this.#forgetAll();
    this.#setState({ kind, detail: message });
  }

  #setState(state: PickedState): void {
    this.#state = state;
    this.#picker.showState(state);
    this.#draw();
  }

  /** Page by page; the first one is shown at once. */
  async #listAll(): Promise<void> {
    const number = ++this.#listing;
    const watch = this.#watch;
    if (!watch) return;
    const end = this.#keys.beginListing();
    try {
      for (let more = true, again = true; more; again = false) {
        const page = await watch.list(again, '');
        if (number !== this.#listing || watch !== this.#watch) return;
        this.#keys.addListed(page.keys);
        more = page.more;
        this.#draw();
      }
      end();
      this.#draw();
    } catch {
      // After a reconnect the runtime asks the page to list all keys again.
    }
  }

  /** The first page of the keys that begin with a text, again after a while: the store does not report which keys come and go. */
  async #scan(prefix: string): Promise<void> {
    const number = ++this.#listing;
    const watch = this.#watch;
    clearTimeout(this.#scanning);
    if (!watch) return;
    const isOver = () => number !== this.#listing || watch !== this.#watch;
    const end = this.#keys.beginListing();
    try {
      const page = await watch.list(true, prefix);
      if (isOver()) return;
      this.#keys.addListed(page.keys);
      end();
      this.#scanned = { prefix, more: page.more };
    } catch {
      // The state of the store says what is wrong.
    }
    if (isOver()) return;
    this.#draw();
    this.#scanning = setTimeout(() => void this.#scan(prefix), RESCAN_MS);
  }

  /** Asks the store for the keys of the filter, unless all keys are here. */
  #scanFilter(): void {
    const { prefix, more } = this.#scanned;
    const { text } = this.#finder;
    if (!this.#state?.scans || text === prefix || (text.startsWith(prefix) && !more)) return;
    clearTimeout(this.#scanning);
    this.#scanning = setTimeout(() => void this.#scan(text), TYPING_MS);
  }

  /** The selected key, and all keys whose rows exist, as far as the runtime takes them. */
  #see(): void {
    const { selected, drawn } = this.#list;
    let left = MAX_SEEN;
    const seen = [...new Set(selected ? [selected, ...drawn] : drawn)].filter((id) => {
      if (isTooLong(id) || id.length > left) return false;
      left -= id.length;
      return true;
    });
    this.#watch?.see(seen);
  }

  #select(id: string | undefined): void {
    this.#whole = undefined;
    this.#keys.keep(id);
    // The key that was selected before may be removed by that.
    this.#draw();
    this.#see();
  }

  #onFilter(): void {
    this.#keys.setFilter(this.#finder.text);
    this.#list.scrollToTop();
    this.#draw();
    this.#scanFilter();
  }

  /** Shows the key in the filter, whether or not any node names it. */
  #lookUp(): void {
    const { text } = this.#finder;
    if (text !== '' && this.#hasStore) this.#add(idOf(text));
  }

  /** Adds a key to those that were looked up, and selects it. */
  #add(id: string): void {
    const entry = this.#keys.get(id);
    if (!entry?.named && !entry?.listed) this.#look((looked) => [...looked, id]);
    this.#draw();
    this.#list.select(id, { reveal: true });
  }

  #forget(id: string): void {
    this.#look((looked) => looked.filter((one) => one !== id));
    this.#keys.drop(id);
    this.#list.select(undefined);
    this.#draw();
    this.#finder.focus();
  }

  /** Changes which keys of this store were looked up. */
  #look(change: (looked: string[]) => string[]): void {
    const store = this.#store;
    if (store === undefined) return;
    memory.look(store, change(memory.looked(store)));
    this.#keys.setLooked(memory.looked(store));
  }

  #reveal(id: string): void {
    if (RED.nodes.node(id)) RED.view.reveal(id);
    else RED.notify(this.#words('message.noNode'), 'warning');
  }

  async #showWhole(id: string): Promise<void> {
    const shown = await this.#actions.whole(id);
    if (!shown) return;
    this.#whole = { id, shown };
    this.#drawDetail();
  }

  /** The list, the hint in its place, and the buttons. */
  #draw(): void {
    if (this.#press.isDown) return;
    const hasStore = this.#hasStore;
    this.#writing.toggle(hasStore && this.#mayWrite);
    const visible = hasStore ? this.#keys.visible : [];
    this.#list.setKeys(visible);
    const { text } = this.#finder;
    this.#finder.show({
      hasStore,
      lists: Boolean(this.#state?.lists),
      scans: Boolean(this.#state?.scans),
      hasMore: Boolean(this.#state?.scans) && this.#scanned.more,
      visible: visible.length,
      size: this.#keys.size,
      internal: this.#keys.internal,
      isKnown: text !== '' && this.#keys.get(idOf(text)) !== undefined,
    });
    this.#drawDetail();
  }

  #drawDetail(): void {
    if (this.#press.isDown) return;
    const id = this.#list.selected;
    const entry = id === undefined ? undefined : this.#keys.get(id);
    if (!entry) {
      this.#detail.hide();
      return;
    }
    this.#detail.show({
      entry,
      shown: this.#keys.shown(entry.id),
      now: this.#now,
      mayWrite: this.#mayWrite,
      whole: this.#whole?.id === entry.id ? this.#whole.shown : undefined,
      largest: this.#state?.largest,
    });
  }

  #contentOf(id: string): RowContent {
    return { id, entry: this.#keys.get(id), shown: this.#keys.shown(id), now: this.#now };
  }

  #tick(): void {
    for (const id of this.#list.drawn) {
      const row = this.#list.row(id);
      if (row) renderAge(this.#words, $(row), this.#contentOf(id));
    }
    this.#drawDetail();
  }

  /**
   * Marks the row of a key that has changed, for a moment. No animation: with keys that change all the time it would make the browser
   * draw every frame.
   */
  #flash(id: string): void {
    this.#list.row(id)?.classList.add('changed');
    clearTimeout(this.#flashes.get(id));
    const fade = () => {
      this.#flashes.delete(id);
      this.#list.row(id)?.classList.remove('changed');
    };
    this.#flashes.set(id, setTimeout(fade, FLASH_MS));
  }
}
