import { decode, encode } from './encoding';
import type { NodeRed } from './node-red';
import { ScopeData } from './scope-data';
import type { StoreLog } from './store-log';

/** The values of the cache, as flows see them, and their form in the store. */
export class CachedValues extends ScopeData {
  readonly #log: StoreLog;

  constructor(util: NodeRed['util'], log: StoreLog) {
    super(util);
    this.#log = log;
  }

  /** The value as it goes to the store, of `limit` bytes at most, `undefined` if there is none. Throws `BAD_ARGUMENT`. */
  encoded(scope: string, name: string, limit: number): string | undefined {
    if (!this.has(scope, name)) return undefined;
    const { json, circular } = encode(this.read(scope, name), limit);
    this.#log.circular(scope, name, circular);
    return json;
  }

  /** Takes over a value from the store, `undefined` for none. */
  take(scope: string, name: string, text: string | undefined): void {
    if (text === undefined) this.drop(scope, name);
    else this.put(scope, name, decode(text));
  }
}
