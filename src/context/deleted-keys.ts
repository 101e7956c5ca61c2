import { setTimeout as pause } from 'node:timers/promises';
import { StateStoreError } from '../errors';
import type { Link } from './link';
import { digestOf } from './restored';

/** Most deletes that are remembered; the oldest ones are forgotten first. */
const MAX_DELETES = 10_000;
/** Pause before the store is asked again after an error, in milliseconds. */
const RETRY_PAUSE_MS = 1000;

interface DeletedKey {
  scope: string;
  name: string;
  version: string;
  /** The life of the store in which the delete is known. */
  life: number;
}

/** The deletes that this process knows, so that no other process brings a deleted key back after the store lost everything. */
export class DeletedKeys {
  readonly #link: Link;
  readonly #keys = new Map<string, DeletedKey>();
  #claiming = false;

  constructor(link: Link) {
    this.#link = link;
  }

  /** A key that was there is gone. `version`: of the delete, or of the value before, if the delete is known by a reading only. */
  add(scope: string, name: string, version: string | undefined, life: number): void {
    if (version === undefined) return;
    const id = `${scope}/${name}`;
    this.#keys.delete(id);
    this.#keys.set(id, { scope, name, version, life });
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > MAX_DELETES && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** With a connection: claims all deletes that the store lost, until that is done or the connection is lost. */
  async renew(): Promise<void> {
    if (this.#claiming) return;
    this.#claiming = true;
    while (!this.#link.closed && this.#link.client.state.kind === 'connected') {
      try {
        const present = await this.#link.life.present();
        const lost = [...this.#keys.values()].filter(({ life }) => life < present);
        if (lost.length === 0) break;
        await Promise.all(lost.map((key) => this.#claim(key, present)));
      } catch (error) {
        if (!(error instanceof StateStoreError) || !error.retryable) break;
        await pause(RETRY_PAUSE_MS, undefined, { ref: false });
      }
    }
    this.#claiming = false;
  }

  async #claim(key: DeletedKey, present: number): Promise<void> {
    const { scope, name, version } = key;
    const { client, index, keys, restores } = this.#link;
    const { wins, over } = await restores.claim(scope, { name, version, digest: undefined });
    if (wins && over.length > 0) {
      const reading = await client.get(keys.value(scope, name));
      // Another process restored it. A value that was set since stays.
      if (reading.found && over.includes(digestOf(reading.value.toString()))) {
        await client.deleteIfValue(keys.value(scope, name), reading.value);
        index.remove(scope, name);
      }
    }
    key.life = present;
  }
}
