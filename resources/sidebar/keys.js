/** Which keys of a store the tab shows, why, and what is known of each. */
(() => {
  window.stateStoreSidebar ??= {};
  const sidebar = window.stateStoreSidebar;
  /** Values that are kept of keys that are not visible any more. */
  const MOST_KEPT = 1000;

  sidebar.Keys = class Keys {
    /**
     * By ID: { id, text, named?, looked, listed, stale, restorable }. `stale`: listed, though not again yet since the list was begun anew.
     * `restorable`: it stays, because people are told that what it held can be set again.
     */
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
      for (const id of ids) Object.assign(this.#entry(id), { listed: true, stale: false });
      this.#sorted = undefined;
    }

    removeListed(id) {
      const one = this.#all.get(id);
      if (!one) return;
      Object.assign(one, { listed: false, stale: false });
      this.#clean();
    }

    /** Before all keys are listed once more; returns what ends it: those that were not listed again are gone. */
    beginListing() {
      for (const one of this.#all.values()) one.stale = one.listed;
      return () => {
        for (const one of this.#all.values())
          if (one.stale) Object.assign(one, { listed: false, stale: false });
        this.#clean();
      };
    }

    /** A key that stays as long as it is selected, whatever becomes of it. */
    keep(id) {
      this.#kept = id;
      if (id) {
        const one = this.#entry(id);
        const { found, last } = this.#shown.get(id) ?? {};
        if (found === false && last) one.restorable = true;
      }
      this.#clean();
    }
    #kept;

    /** Before a key is deleted here: it stays, with what it holds. Returns what takes that back. */
    beforeDeleting(id) {
      const one = this.#entry(id);
      const before = one.restorable;
      one.restorable = true;
      return () => {
        one.restorable = before;
        this.#clean();
      };
    }

    /** What can be set again: [[id, last]]. */
    get restorable() {
      return [...this.#all.values()].flatMap(({ id, restorable }) => {
        const shown = this.#shown.get(id);
        const last = shown?.found ? shown : shown?.last;
        return restorable && last && !last.cut ? [[id, last]] : [];
      });
    }

    /** Takes in what `restorable` of an earlier list gave. */
    restore(all) {
      for (const [id, last] of all) {
        this.#entry(id).restorable = true;
        this.#shown.set(id, { found: false, last });
      }
    }

    /** Keeps a deleted key no longer. */
    drop(id) {
      const one = this.#all.get(id);
      const shown = this.#shown.get(id);
      if (!one?.restorable || !shown) return;
      one.restorable = false;
      this.#shown.set(id, { ...shown, last: undefined });
      this.#clean();
    }

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

    /** What is known of a key, as the runtime told it, with `last`: the value it held before it was gone, if all of that is known. */
    shown(id) {
      return this.#shown.get(id);
    }

    /** Takes in what was told; returns whether this is another value than the one that was known. */
    tell(id, shown) {
      const before = this.#shown.get(id);
      const held = before?.found ? before : before?.last;
      const last = held?.cut ? undefined : held;
      this.#shown.delete(id);
      this.#shown.set(id, shown.found ? shown : { ...shown, last });
      const one = this.#all.get(id);
      if (one && shown.found === false)
        one.restorable = last !== undefined && (one.restorable || id === this.#kept);
      if (one && shown.found && before && !before.found) one.restorable = false;
      this.#forgetOldest();
      return before !== undefined && (before.version !== shown.version || before.found !== shown.found);
    }

    #forgetOldest() {
      if (this.#shown.size <= MOST_KEPT) return;
      for (const id of this.#shown.keys()) {
        if (this.#all.get(id)?.restorable) continue;
        this.#shown.delete(id);
        return;
      }
    }

    #entry(id) {
      let one = this.#all.get(id);
      if (!one) {
        const text = sidebar.key.textOf(id);
        one = {
          id,
          text,
          lower: text.toLowerCase(),
          named: undefined,
          looked: false,
          listed: false,
          stale: false,
          restorable: false,
        };
        this.#all.set(id, one);
        this.#sorted = undefined;
      }
      return one;
    }

    #clean() {
      for (const [id, { named, looked, listed, restorable }] of this.#all) {
        if (named || looked || listed || restorable || id === this.#kept) continue;
        this.#all.delete(id);
        this.#shown.delete(id);
        this.#sorted = undefined;
      }
    }
  };
})();
