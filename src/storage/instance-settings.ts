/** The settings that Node-RED changes itself: all of them on the disk of this instance, and the shared ones in the store as well. */
import { type Names, type SharedNames, sharedPartOf } from './documents';
import { readJson, writeJson } from './json-file';

export class InstanceSettings {
  readonly #path: string;
  readonly #shared: SharedNames;

  constructor(path: string, shared: SharedNames) {
    this.#path = path;
    this.#shared = shared;
  }

  /** The shared settings of the store come before those on disk. Throws if the file is not JSON. */
  async read(): Promise<Names> {
    const local = (await readJson(this.#path)) ?? {};
    return { ...(local as Names), ...(await this.#shared.read()) };
  }

  async write(settings: Names): Promise<void> {
    await writeJson(this.#path, settings);
    await this.#shared.write(sharedPartOf(settings));
  }
}
