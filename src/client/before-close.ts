import { setTimeout as pause } from 'node:timers/promises';

/** Work that is done when a client is closed, while it still takes requests. */
export class BeforeClose {
  readonly #works = new Set<() => Promise<void>>();

  /** Returns a function that removes the work. */
  add(work: () => Promise<void>): () => void {
    this.#works.add(work);
    return () => this.#works.delete(work);
  }

  get isEmpty(): boolean {
    return this.#works.size === 0;
  }

  /** Does all of it, and waits up to `patienceMs` for that. Never rejects. */
  async run(patienceMs: number): Promise<void> {
    const done = Promise.allSettled([...this.#works].map(async (work) => work()));
    const end = new AbortController();
    const late = pause(patienceMs, undefined, { signal: end.signal }).catch(() => undefined);
    await Promise.race([done, late]);
    end.abort();
  }
}
