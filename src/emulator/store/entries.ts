import type { Hlc } from '../../protocol/hlc';
import type { KeyListener } from './engine-request';
import { type Expiring, ExpiryQueue } from './expiry-queue';
import { KeyOrder, type Ordered } from './key-order';

/** A key of the store. */
export interface Entry extends Expiring, Ordered {
  key: Buffer;
  value: Buffer;
  version: string;
  /** The fencing token that protects the key. */
  fence: Hlc | undefined;
}

/** The time of an entry that does not expire. */
export const NEVER = Number.POSITIVE_INFINITY;

/** All keys of a store: by name, in the order in which they were created, and in the order in which they expire. */
export class Entries {
  readonly listeners = new Set<KeyListener>();
  readonly #byId = new Map<string, Entry>();
  readonly #expiring = new ExpiryQueue<Entry>();
  readonly #order = new KeyOrder<Entry>();

  get size(): number {
    return this.#byId.size;
  }

  /** The entry that expires first. */
  get nextToExpire(): Entry | undefined {
    return this.#expiring.next();
  }

  /** The order in which the keys were created. */
  get order(): KeyOrder<Entry> {
    return this.#order;
  }

  get(key: Uint8Array): Entry | undefined {
    return this.#byId.get(idOf(key));
  }

  /** All entries, in the order in which they came. An entry that comes while they are listed is listed, too. */
  values(): IterableIterator<Entry> {
    return this.#byId.values();
  }

  /** Puts a copy of key and value in the place of `old`, or behind all other keys. `expiresAt`: milliseconds of the monotonic clock. */
  put(
    old: Entry | undefined,
    key: Uint8Array,
    value: Uint8Array,
    version: string,
    fence: Hlc | undefined,
    expiresAt: number,
  ): Entry {
    if (old) this.#expiring.remove(old);
    const entry: Entry = {
      key: old?.key ?? Buffer.from(key),
      value: Buffer.from(value),
      version,
      fence,
      expiresAt,
      queueIndex: -1,
      number: 0,
      place: 0,
    };
    this.#byId.set(idOf(entry.key), entry);
    if (old) this.#order.replace(old, entry);
    else this.#order.add(entry);
    if (entry.expiresAt !== NEVER) this.#expiring.add(entry);
    if (!old) this.#report(entry.key, true);
    return entry;
  }

  remove(entry: Entry): void {
    this.#byId.delete(idOf(entry.key));
    this.#order.remove(entry);
    this.#expiring.remove(entry);
    this.#report(entry.key, false);
  }

  #report(key: Buffer, exists: boolean): void {
    for (const listener of this.listeners) listener(key, exists);
  }
}

/** Bytes as a map key: latin1 gives every byte its own character. */
export function idOf(key: Uint8Array): string {
  return bytesOf(key).toString('latin1');
}

/** The same bytes with the methods of a Buffer. */
export function bytesOf(key: Uint8Array): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(key.buffer, key.byteOffset, key.byteLength);
}
