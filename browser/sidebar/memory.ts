/** What this browser remembers of the tab: the chosen store, and the keys that were looked up. Log-out forgets it. */
const NAME = 'statestore-sidebar';
/** Keys of one store. */
const MAX_KEYS = 200;

interface Remembered {
  store: string | undefined;
  /** IDs of keys, by the ID of their store. */
  looked: Map<string, unknown>;
}

function read(): Remembered {
  try {
    const { store, looked } = JSON.parse(localStorage.getItem(NAME) ?? '{}') as {
      store?: string;
      looked?: object;
    };
    return { store, looked: new Map(Object.entries(looked ?? {})) };
  } catch {
    return { store: undefined, looked: new Map() };
  }
}

function write({ store, looked }: Remembered): void {
  try {
    localStorage.setItem(NAME, JSON.stringify({ store, looked: Object.fromEntries(looked) }));
  } catch {
    // A browser may refuse to keep anything.
  }
}

export const memory = {
  store: (): string | undefined => read().store,
  chooseStore: (store: string): void => write({ ...read(), store }),
  /** IDs of the keys that were looked up in a store. */
  looked: (store: string): string[] => {
    const keys = read().looked.get(store);
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string') : [];
  },
  look: (store: string, keys: string[]): void => {
    const all = read();
    all.looked.set(store, [...new Set(keys)].slice(-MAX_KEYS));
    write(all);
  },
  forget: (): void => localStorage.removeItem(NAME),
};
