/** How long a row that has changed is marked, in milliseconds. */
const FLASH_MS = 700;

/**
 * Rows that are marked for a moment, because their keys have changed. No animation: with keys that change all the time it would make the
 * browser draw every frame.
 */
export class Flashes {
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #rowOf: (id: string) => HTMLElement | undefined;

  /** `rowOf` returns the row of a key, if it exists. */
  constructor(rowOf: (id: string) => HTMLElement | undefined) {
    this.#rowOf = rowOf;
  }

  mark(id: string): void {
    this.#rowOf(id)?.classList.add('changed');
    clearTimeout(this.#timers.get(id));
    const fade = () => {
      this.#timers.delete(id);
      this.#rowOf(id)?.classList.remove('changed');
    };
    this.#timers.set(id, setTimeout(fade, FLASH_MS));
  }
}
