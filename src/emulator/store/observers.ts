/** Which clients observe which keys. */
export class Observers {
  /** Key -> IDs of clients. A key without a client is not in the map. */
  readonly #clients = new Map<string, Set<string>>();

  /** Returns whether the client did not observe the key before. */
  add(key: string, clientId: string): boolean {
    const clients = this.#clients.get(key);
    if (clients?.has(clientId)) return false;
    if (clients) clients.add(clientId);
    else this.#clients.set(key, new Set([clientId]));
    return true;
  }

  /** Returns whether the client observed the key before. */
  remove(key: string, clientId: string): boolean {
    const clients = this.#clients.get(key);
    if (!clients?.delete(clientId)) return false;
    if (clients.size === 0) this.#clients.delete(key);
    return true;
  }

  /** Removes a client from all keys. */
  forget(clientId: string): void {
    for (const key of this.#clients.keys()) this.remove(key, clientId);
  }

  /** The clients that observe a key, in the order in which they began. */
  of(key: string): ReadonlySet<string> | undefined {
    return this.#clients.size > 0 ? this.#clients.get(key) : undefined;
  }
}
