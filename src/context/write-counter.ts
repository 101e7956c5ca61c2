import type { WriteCounts } from '../health/parts';

/** Counts writes that are not settled, and writes that failed. */
export class WriteCounter {
  #pending = 0;
  #failed = 0;
  #onSettled: (() => void) | undefined;

  get counts(): WriteCounts {
    return { pending: this.#pending, failed: this.#failed };
  }

  begin(): void {
    this.#pending++;
  }

  fail(): void {
    this.#failed++;
  }

  /** With any outcome. */
  end(): void {
    this.#pending--;
    if (this.#pending === 0) this.#onSettled?.();
  }

  /** Resolves when all writes are settled. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled = resolve;
      if (this.#pending === 0) resolve();
    });
  }
}
