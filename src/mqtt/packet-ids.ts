const LAST = 65_535;

/**
 * Counts packet identifiers up and around (MQTT 5 section 2.2.1), and skips those that still belong to a publish. MQTT.js takes its own
 * from here, too.
 */
export class PacketIds {
  readonly #isTaken: (packetId: number) => boolean;
  #last = Math.floor(Math.random() * LAST);

  constructor(isTaken: (packetId: number) => boolean) {
    this.#isTaken = isTaken;
  }

  allocate(): number {
    do {
      this.#last = this.#last === LAST ? 1 : this.#last + 1;
    } while (this.#isTaken(this.#last));
    return this.#last;
  }

  getLastAllocated(): number {
    return this.#last;
  }

  /** What MQTT.js sends again, it sends with the identifier it had. Nothing is left to it here, so there is nothing to keep. */
  register(): boolean {
    return true;
  }

  deallocate(): void {
    // Counting around is enough for the few packets of MQTT.js.
  }

  clear(): void {
    // Publishes stay taken until they are over.
  }
}
