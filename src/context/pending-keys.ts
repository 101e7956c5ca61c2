/** Counts the keys whose writes are not settled. */
export class PendingKeys {
  #count = 0;
  #onSettled: (() => void) | undefined;

  add(): void {
    this.#count++;
  }

  remove(): void {
    this.#count--;
    if (this.#count === 0) this.#onSettled?.();
  }

  /** Resolves when all writes are settled. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled = resolve;
      if (this.#count === 0) resolve();
    });
  }
}
