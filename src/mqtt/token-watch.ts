import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { readToken } from './secrets';

/** Several file system events come for one rotation; they are taken together. Milliseconds. */
const SETTLE_MS = 50;

/**
 * Watches a service account token. The kubelet swaps a link in the token's folder, so the folder is watched; an empty file
 * and one that did not change are ignored. Where a folder cannot be watched, the token is still read before each attempt.
 */
export class TokenWatch {
  readonly #path: string;
  readonly #onChange: (token: Buffer) => void;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #known: Buffer | undefined;
  #stopped = false;

  constructor(path: string, onChange: (token: Buffer) => void) {
    this.#path = path;
    this.#onChange = onChange;
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, () => this.#settle());
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  /** The token in use; only another one is a change. */
  know(token: Buffer): void {
    this.#known = token;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#read(), SETTLE_MS);
  }

  async #read(): Promise<void> {
    const token = await readToken(this.#path).catch(() => undefined);
    if (this.#stopped || !token || this.#known?.equals(token)) return;
    this.#known = token;
    this.#onChange(token);
  }
}
