/** Which keys of a store the tab shows, why, and what is known of each. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  /** Values that are kept of keys that are not visible any more. */
  const MOST_KEPT = 1000;

  sidebar.Keys = class Keys {
    /** By ID: { id, text, named?, looked, listed }. */
    #all = new Map();
    #shown = new Map();
    #sorted;
    #filter = '';

    /** The keys that nodes name: [{ key, kind, lease, nodes }]. */
    setNamed(named) {
      for (const one of this.#all.values()) one.named = undefined;
      for (const { key, ...rest } of named) this.#entry(key).named = rest;
      this.#clean();
    }

    setLooked(ids) {
      for (const one of this.#all.values()) one.looked = false;
      for (const id of ids) this.#entry(id).looked = true;
      this.#clean();
    }

    /** Keys that the store itself lists. */
    addListed(ids) {
      for (const id of ids) this.#entry(id).listed = true;
      this.#sorted = undefined;
    }

    removeListed(id) {
      const one = this.#all.get(id);
      if (!one) return;
      one.listed = false;
      this.#clean();
    }

    /** Before all keys are listed once more; returns what ends it: those that were not listed again are gone. */
    beginListing() {
      const before = [...this.#all.values()].filter(({ listed }) => listed);
      for (const one of before) one.listed = false;
      return () => this.#clean();
    }

    /** A key that stays as long as it is selected, whatever becomes of it. */
    keep(id) {
      this.#kept = id;
      if (id) this.#entry(id);
      this.#clean();
    }
    #kept;

    get(id) {
      return this.#all.get(id);
    }

    get size() {
      return this.#all.size;
    }

    setFilter(text) {
      this.#filter = text.toLowerCase();
      this.#sorted = undefined;
    }

    /** IDs of the keys whose text contains the filter, by text. */
    get visible() {
      this.#sorted ??= [...this.#all.values()]
        .filter(({ lower }) => lower.includes(this.#filter))
        .sort((a, b) => (a.text < b.text ? -1 : 1))
        .map(({ id }) => id);
      return this.#sorted;
    }

    /** What is known of a key, as the runtime told it, with `last`: the value it held before it was gone. */
    shown(id) {
      return this.#shown.get(id);
    }

    /** Takes in what was told; returns whether this is another value than the one that was known. */
    tell(id, shown) {
      const before = this.#shown.get(id);
      const last = before?.found ? before : before?.last;
      this.#shown.delete(id);
      this.#shown.set(id, shown.found ? shown : { ...shown, last });
      if (this.#shown.size > MOST_KEPT) this.#shown.delete(this.#shown.keys().next().value);
      return before !== undefined && (before.version !== shown.version || before.found !== shown.found);
    }

    #entry(id) {
      let one = this.#all.get(id);
      if (!one) {
        const text = sidebar.key.textOf(id);
        one = { id, text, lower: text.toLowerCase(), named: undefined, looked: false, listed: false };
        this.#all.set(id, one);
        this.#sorted = undefined;
      }
      return one;
    }

    #clean() {
      for (const [id, { named, looked, listed }] of this.#all) {
        if (named || looked || listed || id === this.#kept) continue;
        this.#all.delete(id);
        this.#shown.delete(id);
      }
      this.#sorted = undefined;
    }
  };
})();
