/** Milliseconds after a later login in which an abandoned login may still arrive. */
const HAUNTING_MS = 60_000;
/** Most of them that are reckoned with. */
const MOST = 10;

/**
 * Attempts to connect that were given up while their CONNECT was under way: it may arrive late, after that of the next attempt,
 * and take its session over (DISCONNECT 0x8E, MQTT 5 section 3.1.4). One's own ghost is not another client.
 */
export class Ghosts {
  #count = 0;
  /** Whether one of them wanted a new session, so that what the broker kept for us may be gone. */
  #clean = false;
  /** Monotonic time of the first login that succeeded since the last attempt was abandoned. */
  #succeededAt: number | undefined;

  /** An attempt was given up; `clean` is its Clean Start. */
  add(clean: boolean): void {
    this.#forgetOld();
    this.#count = Math.min(this.#count + 1, MOST);
    this.#clean ||= clean;
    this.#succeededAt = undefined;
  }

  /** The session was taken over. True when it may have been one of ours; each is believed once. */
  take(): boolean {
    this.#forgetOld();
    if (this.#count === 0) return false;
    this.#count--;
    return true;
  }

  /** A login succeeded. True if an attempt of this client may have cleared the session that the broker reports as kept. */
  mayHaveCleared(): boolean {
    this.#forgetOld();
    this.#succeededAt ??= performance.now();
    return this.#clean;
  }

  #forgetOld(): void {
    if (this.#succeededAt === undefined || performance.now() - this.#succeededAt < HAUNTING_MS) return;
    this.#count = 0;
    this.#clean = false;
    this.#succeededAt = undefined;
  }
}
