import type { Message } from '../../mqtt/publish';
import type { Will } from './will';

interface Waiting<Identity> {
  identity: Identity;
  will: Will;
  timer: NodeJS.Timeout;
}

/** The wills of clients whose connection ended, until their delay is over. */
export class Wills<Identity> {
  /** By client ID. */
  readonly #waiting = new Map<string, Waiting<Identity>>();
  readonly #publish: (identity: Identity, message: Message) => void;

  constructor(publish: (identity: Identity, message: Message) => void) {
    this.#publish = publish;
  }

  /** Publishes the will after the delay; at once if that is 0. */
  wait(clientId: string, identity: Identity, will: Will, delayMs: number): void {
    const timer = setTimeout(() => this.end(clientId, true), delayMs).unref();
    this.#waiting.set(clientId, { identity, will, timer });
    if (delayMs === 0) this.end(clientId, true);
  }

  /** A will that waits is published, or dropped because the session of its client goes on. */
  end(clientId: string, isPublished: boolean): void {
    const waiting = this.#waiting.get(clientId);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(clientId);
    if (isPublished) this.#publish(waiting.identity, waiting.will.message);
  }

  clear(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}
