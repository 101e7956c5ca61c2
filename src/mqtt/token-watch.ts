import { type FSWatcher, promises as files, watch } from 'node:fs';
import { dirname } from 'node:path';
import { readToken } from './secrets';

/** Several file system events come for one rotation. One read follows this many milliseconds after the first of them. */
const SETTLE_MS = 50;
/** How often it is checked that the watched folder is still the one at its path, in milliseconds. */
const CHECK_MS = 1000;

/**
 * Watches a service account token. The kubelet swaps a link in the token's folder, so the folder is watched; an empty file
 * and an unchanged token are ignored. A folder that appears or is replaced later is watched from then on. While there is no watch, the
 * token is read every second.
 */
export class TokenWatch {
  readonly #path: string;
  readonly #onChange: (token: Buffer) => void;
  readonly #check: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  /** Device and inode of the watched folder. */
  #watched: string | undefined;
  /** Whether the folder has changed since the last read began. */
  #isDue = false;
  #isReading = false;
  #known: Buffer | undefined;
  #stopped = false;

  constructor(path: string, onChange: (token: Buffer) => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#check = setInterval(() => void this.#watchFolder(), CHECK_MS).unref();
    void this.#watchFolder();
  }

  /** The token in use; only another one is a change. */
  know(token: Buffer): void {
    this.#known = token;
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#check);
    this.#watcher?.close();
  }

  async #watchFolder(): Promise<void> {
    const folder = dirname(this.#path);
    const found = await files.stat(folder).catch(() => undefined);
    const identity = found && `${found.dev} ${found.ino}`;
    if (this.#stopped || (identity !== undefined && identity === this.#watched)) return;
    this.#watcher?.close();
    this.#watched = undefined;
    if (identity === undefined) return;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#changed());
      this.#watcher.on('error', () => {
        this.#watched = undefined;
      });
      this.#watched = identity;
    } catch {
      // The system has no watch left, or the file system has none.
    }
    // The token may have changed while there was no watch.
    this.#changed();
  }

  /** A later change does not postpone the read: other files of the folder may change all the time. */
  #changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    if (!this.#isReading) this.#schedule();
  }

  #schedule(): void {
    setTimeout(() => void this.#read(), SETTLE_MS).unref();
  }

  async #read(): Promise<void> {
    if (this.#stopped) return;
    this.#isDue = false;
    this.#isReading = true;
    const token = await readToken(this.#path).catch(() => undefined);
    this.#isReading = false;
    if (this.#stopped) return;
    if (this.#isDue) this.#schedule();
    if (!token || this.#known?.equals(token)) return;
    this.#known = token;
    this.#onChange(token);
  }
}
