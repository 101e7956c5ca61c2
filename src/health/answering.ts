/** Whether the store of a client still responds while no request is made. */
import type { StateStoreClient } from '../client/state-store-client';
import { messageOf } from '../errors';

/** A key that does not exist. */
const KEY = 'statestore-test/is-there-a-store';
/** How long an answer holds, in milliseconds. */
const ANSWER_HOLDS_MS = 2000;

export class Answering {
  readonly #client: StateStoreClient;
  /** On the monotonic clock, in milliseconds. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;

  constructor(client: StateStoreClient) {
    this.#client = client;
  }

  /** Why the last request had no answer, on a connection that seemed to work. Asks once more if the last answer is old. */
  problem(): string | undefined {
    if (this.#client.state.kind !== 'connected') return undefined;
    const now = performance.now();
    if (now - this.#askedAt > ANSWER_HOLDS_MS) {
      this.#askedAt = now;
      void this.#ask();
    }
    return this.#problem;
  }

  async #ask(): Promise<void> {
    const { answers } = this.#client;
    try {
      await this.#client.get(KEY);
      this.#problem = undefined;
    } catch (error) {
      // A refusal of the store is an answer.
      this.#problem = this.#client.answers === answers ? messageOf(error) : undefined;
    }
  }
}
