import type { Message } from '../../mqtt/publish';
import { expiryTime } from './outgoing';
import { filterMatches } from './topic-index';

/** Retained messages at most, and their bytes together. */
export const MAX_RETAINED = 1000;
export const MAX_RETAINED_BYTES = 2 ** 24;

interface Kept {
  message: Message;
  bytes: number;
  /** Milliseconds of the monotonic clock. */
  expiresAt: number;
}

/** The retained message of each topic (MQTT 5 section 3.3.1.3). */
export class Retained {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** An empty message removes the one of the topic. Returns false if there is no room. */
  set(topic: string, message: Message): boolean {
    const before = this.#kept.get(topic);
    const { payload } = message;
    const bytes = payload.length === 0 ? 0 : message.size;
    const isNew = bytes > 0 && !before;
    const after = this.#bytes - (before?.bytes ?? 0) + bytes;
    if ((isNew && this.#kept.size >= MAX_RETAINED) || (bytes > 0 && after > MAX_RETAINED_BYTES)) return false;
    this.#bytes = after;
    if (bytes === 0) this.#kept.delete(topic);
    else {
      const expiresAt = expiryTime(message.messageExpiry);
      this.#kept.set(topic, { message: message.copy(), bytes, expiresAt });
    }
    return true;
  }

  /** The messages whose topic matches. */
  match(filter: string): Message[] {
    const found: Message[] = [];
    for (const [topic, { message, bytes, expiresAt }] of this.#kept) {
      if (expiresAt <= performance.now()) {
        this.#kept.delete(topic);
        this.#bytes -= bytes;
      } else if (filterMatches(filter, topic)) found.push(message);
    }
    return found;
  }
}
