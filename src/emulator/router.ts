import { TopicIndex } from './topic-index';

interface Packet {
  topic: string;
}

export type Listener<P extends Packet> = (packet: P, done: () => void) => void;

/**
 * Hands publications to those who listen, in place of Aedes's emitter (its option `mq`), which lets the next publication wait until
 * the slowest socket took the last one. Here nobody waits for anybody.
 */
export class Router<P extends Packet> {
  readonly #listeners = new TopicIndex<Listener<P>>();
  /** Whether a listener is passed over; for those who have the packet already. */
  readonly #isServed: (packet: P, listener: Listener<P>) => boolean;

  constructor(isServed: (packet: P, listener: Listener<P>) => boolean) {
    this.#isServed = isServed;
  }

  listeners(topic: string): Listener<P>[] {
    return this.#listeners.match(topic);
  }

  /** Whether one of those who listen to the topic is such a one. */
  hasListener(topic: string, isWanted: (listener: Listener<P>) => boolean): boolean {
    return this.#listeners.some(topic, isWanted);
  }

  on(topic: string, listener: Listener<P>, done?: () => void): void {
    this.#listeners.add(topic, listener);
    if (done) setImmediate(done);
  }

  removeListener(topic: string, listener: Listener<P>, done?: () => void): void {
    this.#listeners.remove(topic, listener);
    if (done) setImmediate(done);
  }

  emit(packet: P, done: () => void = nothing): void {
    for (const listener of this.listeners(packet.topic)) {
      if (!this.#isServed(packet, listener)) listener(packet, nothing);
    }
    // Not at once: a thousand publications in one chunk must not call each other.
    setImmediate(done);
  }

  close(done: () => void): void {
    setImmediate(done);
  }
}

function nothing(): void {
  // Nobody waits.
}
