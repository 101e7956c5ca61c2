/** The tab as a whole: it follows the chosen store as long as the tab can be seen. */
import { wordsOf } from '../dialogs/words';
import { type Place as ActionPlace, Actions } from './actions';
import { ChosenStore } from './chosen-store';
import { idOf } from './key';
import { Listing } from './listing';
import { memory } from './memory';
import type { WatchMessage } from './messages';
import { type Reason, reasonOf, runtime } from './runtime';
import type { PickedState } from './store-picker';
import { type TabActions, View } from './view';
import { Watch } from './watch';

const READ = 'statestore.read';
/** How soon the stores are asked for again, in milliseconds. */
const RETRY_MS = 2000;

export class Tab {
  readonly #words = wordsOf('statestore-sidebar');
  readonly #store = new ChosenStore();
  readonly #view: View;
  readonly #actions: Actions;
  readonly #listing: Listing;
  #watch: Watch | undefined;
  #isSeen = false;
  #active = false;
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.#actions = new Actions(this.#words, this.#asPlace());
    this.#view = new View(this.#words, this.#store, this.#tabActions());
    this.#listing = new Listing({
      store: this.#store,
      watch: () => this.#watch,
      isNoPlace: (refused) => reasonOf(refused).code === 'noSuchPlace',
      onKeys: () => this.#view.draw(),
    });
    this.#listen();
  }

  static get mayRead(): boolean {
    return RED.user.hasPermission(READ);
  }

  get element(): JQuery {
    return this.#view.element;
  }

  #asPlace(): ActionPlace {
    const tab = this;
    const store = this.#store;
    return {
      get store() {
        return store.id;
      },
      get storeName() {
        return tab.#view.picker.name;
      },
      get keys() {
        return store.keys;
      },
      get lists() {
        return store.lists;
      },
      get now() {
        return store.now;
      },
      isAt: (one, id) => one === store.id && id === tab.#view.list.selected,
      add: (id) => tab.#add(id),
    };
  }

  #tabActions(): TabActions {
    return {
      chooseStore: (id) => {
        memory.chooseStore(id);
        this.#use(id);
      },
      filter: () => this.#onFilter(),
      lookUp: () => {
        const { text } = this.#view.finder;
        if (text !== '' && this.#store.isOpen) this.#add(idOf(text));
      },
      showInternal: (shows) => {
        this.#store.showInternal(shows);
        this.#view.draw();
      },
      more: () => void this.#listing.more(),
      select: (id) => this.#select(id),
      see: () => this.#see(),
      test: () => this.#actions.test(),
      add: () => void this.#actions.set(),
      set: (id) => void this.#actions.set(id),
      remove: (id) => this.#actions.remove(id),
      restore: (id) => void this.#actions.restore(id),
      release: (id) => this.#actions.release(id),
      forget: (id) => this.#forget(id),
      whole: (id) => void this.#showWhole(id),
      reveal: (id) => {
        if (RED.nodes.node(id)) RED.view.reveal(id);
        else RED.notify(this.#words('message.noNode'), 'warning');
      },
    };
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
    this.#ticking = setInterval(() => this.#view.tick(), 1000);
    this.#view.draw();
    void this.#reload();
  }

  #end(): void {
    clearInterval(this.#ticking);
    this.#watch?.end();
    this.#watch = undefined;
    this.#active = false;
  }

  #forgetAll(): void {
    this.#store.forgetAll();
    this.#view.list.select(undefined);
  }

  /** Asks which stores there are, and which keys the nodes of the chosen one name. */
  async #reload(): Promise<void> {
    if (!this.#active) return;
    const { picker } = this.#view;
    try {
      const stores = await runtime.stores();
      if (!this.#active) return;
      picker.setStores(stores, this.#store.id);
    } catch (xhr) {
      this.#onTrouble(reasonOf(xhr));
      if (this.#active && !this.#watch) setTimeout(() => void this.#reload(), RETRY_MS);
      return;
    }
    const present = this.#store.id;
    const wanted = present ?? memory.store();
    const chosen = wanted !== undefined && picker.has(wanted) ? wanted : (present ?? picker.first);
    if (!chosen) this.#setState({ kind: 'none' });
    else if (chosen !== present || !this.#watch) this.#use(chosen);
    else void this.#loadNamed(chosen);
  }

  #use(id: string): void {
    this.#watch?.end();
    const isOther = id !== this.#store.id;
    this.#store.choose(id);
    if (isOther) this.#view.list.select(undefined);
    this.#view.picker.choose(id);
    this.#watch = new Watch(id, {
      onMessage: (message) => this.#onMessage(message),
      onTrouble: (reason) => this.#onTrouble(reason),
    });
    void this.#loadNamed(id);
    this.#see();
    this.#watch.start();
    this.#view.draw();
  }

  async #loadNamed(id: string): Promise<void> {
    if (!this.#view.picker.has(id)) return;
    try {
      const named = await runtime.namedKeys(id);
      if (id !== this.#store.id) return;
      this.#store.keys.setNamed(named);
      this.#view.draw();
    } catch {
      // The watch reports what is wrong.
    }
  }

  #onMessage({ now, state, keys = [], listed = [], relist, deployed }: WatchMessage): void {
    const store = this.#store;
    store.setClock(now);
    if (state) {
      store.state = state;
      this.#view.showState(state);
      this.#listing.stop();
    }
    if (deployed || state?.kind === 'gone') void this.#reload();
    if ((state?.lists || relist) && store.lists) void this.#listing.all();
    if (state?.scans) void this.#listing.scan(this.#view.finder.text);
    for (const [id, exists] of listed) {
      if (exists) store.keys.addListed([id]);
      else store.keys.removeListed(id);
    }
    const changed = keys.filter(([id, shown]) => store.update(id, shown)).map(([id]) => id);
    if (listed.length > 0) this.#view.draw();
    this.#view.showChanges(
      keys.map(([id]) => id),
      changed,
    );
  }

  #onTrouble({ kind, message }: Reason): void {
    if (kind === 'forbidden') this.#forgetAll();
    this.#setState({ kind, detail: message });
  }

  #setState(state: PickedState): void {
    this.#store.state = state;
    this.#view.showState(state);
    this.#view.draw();
  }

  /** The selected key and all keys whose rows exist are observed. */
  #see(): void {
    const { selected, drawn } = this.#view.list;
    this.#watch?.see([...new Set(selected ? [selected, ...drawn] : drawn)]);
  }

  #select(id: string | undefined): void {
    this.#store.forgetWhole();
    this.#store.keys.keep(id);
    // The key that was selected before may be removed by that.
    this.#view.draw();
    this.#see();
  }

  #onFilter(): void {
    const { text } = this.#view.finder;
    this.#store.setFilter(text);
    this.#view.list.scrollToTop();
    this.#view.draw();
    this.#listing.scanFilter(text);
  }

  /** Adds a key, whether or not any node names it, and selects it. */
  #add(id: string): void {
    this.#store.lookUp(id);
    this.#view.draw();
    this.#view.list.select(id, { reveal: true });
  }

  #forget(id: string): void {
    this.#store.forget(id);
    this.#view.list.select(undefined);
    this.#view.finder.focus();
  }

  async #showWhole(id: string): Promise<void> {
    const shown = await this.#actions.whole(id);
    if (!shown) return;
    this.#store.setWhole(id, shown);
    this.#view.drawDetail();
  }
}
