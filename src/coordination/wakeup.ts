/** A wait that can be ended early. */
export class Wakeup {
  #wake: (() => void) | undefined;
  #woken = false;

  /** Resolves after `ms` milliseconds, after calling `onTime`, or when woken, also if that was since the wait before this one. */
  async wait(ms: number, onTime: () => void = () => undefined): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          onTime();
          resolve();
        }, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#woken = false;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }
}
