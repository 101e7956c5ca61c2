const LAST = 65_535;

/**
 * Counts packet identifiers up and around (MQTT 5 section 2.2.1), and skips identifiers that are in use by a publish or by an open
 * SUBSCRIBE. MQTT.js takes the identifier of a SUBSCRIBE with {@link allocate} and returns it after the SUBACK.
 */
export class PacketIds {
  readonly #isPublished: (packetId: number) => boolean;
  /** Taken by MQTT.js and not acknowledged on this connection. */
  readonly #open = new Set<number>();
  #last = Math.floor(Math.random() * LAST);

  /** `isPublished`: whether a publish has this identifier. */
  constructor(isPublished: (packetId: number) => boolean) {
    this.#isPublished = isPublished;
  }

  /** An identifier for a publish. It stays in use as long as `isPublished` says so. */
  next(): number {
    do {
      this.#last = this.#last === LAST ? 1 : this.#last + 1;
    } while (this.#isPublished(this.#last) || this.#open.has(this.#last));
    return this.#last;
  }

  allocate(): number {
    const packetId = this.next();
    this.#open.add(packetId);
    return packetId;
  }

  getLastAllocated(): number {
    return this.#last;
  }

  /** MQTT.js registers only what it sends again. It sends nothing again here. */
  register(): boolean {
    return true;
  }

  deallocate(packetId: number): void {
    this.#open.delete(packetId);
  }

  /** A new connection: no SUBSCRIBE of an earlier one is answered on it. */
  clear(): void {
    this.#open.clear();
  }
}
