import { randomUUID } from 'node:crypto';
import type { StateStoreClient } from '../client/state-store-client';

/**
 * Distinguishes a deleted key from a loss of all keys, for example because the broker restarted without persistence: a separate key
 * holds an ID that no instance changes. Lives are counted from 1.
 */
export class StoreLife {
  readonly #store: StateStoreClient;
  readonly #key: string;
  readonly #persist: boolean;
  #id: string | undefined;
  #number = 0;
  #asking: Promise<number> | undefined;
  #certain = false;

  constructor(store: StateStoreClient, key: string, persist: boolean) {
    this.#store = store;
    this.#key = key;
    this.#persist = persist;
  }

  /** Whether the store may have lost everything since it had this life. */
  maySurpass(life: number): boolean {
    return !this.#certain || this.#number > life;
  }

  /** Calls `onLife` with the number of the present life: at once as far as it is known, and again after the store was asked. */
  track(onLife: (life: number) => void): void {
    onLife(this.#number);
    if (!this.#certain) this.present().then(onLife, () => undefined);
  }

  /** The connection was lost: the life has to be asked for again. */
  doubt(): void {
    this.#asking = undefined;
    this.#certain = false;
  }

  /** The number of the present life. Rejects as requests do. */
  present(): Promise<number> {
    if (this.#asking) return this.#asking;
    const asking = this.#ask();
    this.#asking = asking;
    asking.then(
      () => {
        if (this.#asking === asking) this.#certain = true;
      },
      () => {
        if (this.#asking === asking) this.#asking = undefined;
      },
    );
    return asking;
  }

  async #ask(): Promise<number> {
    // The first process after the store was emptied begins the next life.
    await this.#store.set(this.#key, randomUUID(), {
      condition: 'NX',
      persist: this.#persist,
      repeatable: true,
    });
    const reading = await this.#store.get(this.#key);
    const id = reading.found ? reading.value.toString() : undefined;
    if (id !== this.#id) this.#number++;
    this.#id = id;
    return this.#number;
  }
}
