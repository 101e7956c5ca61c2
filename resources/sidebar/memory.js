/** What this browser remembers of the tab: the store that was chosen, and the keys that were looked up. Log-out forgets it. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  const NAME = 'statestore-sidebar';
  /** Keys of one store. */
  const MOST_KEYS = 200;

  function read() {
    try {
      const { store, looked } = JSON.parse(localStorage.getItem(NAME)) ?? {};
      return { store, looked: new Map(Object.entries(looked ?? {})) };
    } catch {
      return { store: undefined, looked: new Map() };
    }
  }

  function write({ store, looked }) {
    try {
      localStorage.setItem(NAME, JSON.stringify({ store, looked: Object.fromEntries(looked) }));
    } catch {
      // A browser that keeps nothing is right, too.
    }
  }

  sidebar.memory = {
    store: () => read().store,
    chooseStore: (store) => write({ ...read(), store }),
    /** IDs of the keys that were looked up in a store. */
    looked: (store) => {
      const keys = read().looked.get(store);
      return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
    },
    look: (store, keys) => {
      const all = read();
      all.looked.set(store, [...new Set(keys)].slice(-MOST_KEYS));
      write(all);
    },
    forget: () => localStorage.removeItem(NAME),
  };
})();
