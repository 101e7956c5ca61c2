/** All keys of a store that is the emulator of this Node-RED: the one store that can be asked for them. */
import type { StateStoreClient } from '../../client/state-store-client';
import { MEMORY_KEY } from '../../coordination/store-memory';
import type { StateStoreEngine } from '../../emulator/engine';
import type { KeyListener } from '../../emulator/store/engine-request';
import { emulators } from './emulators';

/** An internal key of locks and roles, which is not shown. */
const INTERNAL = Buffer.from(MEMORY_KEY);

/** Keys of the store that are looked at for one answer. */
const PAGE = 2000;

export class EmulatorKeys {
  readonly engine: StateStoreEngine;
  readonly #clientId: string;
  readonly #prefix: Buffer;
  readonly #onKey: KeyListener;

  /** The keys that a client can read, or undefined if it is not connected to an emulator of this process. `onKey` is called for each key that is created or deleted. */
  static of(client: StateStoreClient, prefix: string, onKey: KeyListener): EmulatorKeys | undefined {
    const engine = emulators.serving(client)?.engine;
    return engine && new EmulatorKeys(engine, client.clientId, Buffer.from(prefix), onKey);
  }

  private constructor(engine: StateStoreEngine, clientId: string, prefix: Buffer, onKey: KeyListener) {
    this.engine = engine;
    this.#clientId = clientId;
    this.#prefix = prefix;
    this.#onKey = (key, exists) => {
      const own = this.#own(key);
      if (own) onKey(own, exists);
    };
    engine.keyListeners.add(this.#onKey);
  }

  end(): void {
    this.engine.keyListeners.delete(this.#onKey);
  }

  /** The function that it returns has the next keys, at most 2,000, and whether there may be more. */
  list(): () => { keys: Buffer[]; more: boolean } {
    const cursor = this.engine.keys();
    return () => {
      const keys: Buffer[] = [];
      for (let looked = 0; looked < PAGE; looked++) {
        const { value, done } = cursor.next();
        if (done || !value) return { keys, more: false };
        const own = this.#own(value);
        if (own) keys.push(own);
      }
      return { keys, more: true };
    };
  }

  /** When a key of this client expires, in milliseconds since 1970. */
  expiryOf(key: Buffer): number | undefined {
    return this.engine.expiryOf(Buffer.concat([this.#prefix, key]));
  }

  /** A key as the nodes name it, without the prefix; nothing where it has another one, or where the client may not read it. */
  #own(key: Buffer): Buffer | undefined {
    const { length } = this.#prefix;
    if (key.length <= length || !key.subarray(0, length).equals(this.#prefix)) return undefined;
    const own = key.subarray(length);
    if (own.equals(INTERNAL)) return undefined;
    return this.engine.authorize(this.#clientId, 'Read', key) ? own : undefined;
  }
}
