import { Message } from '../../mqtt/publish';
import { PublishWriter } from '../../mqtt/publish-writer';
import { textBytes } from '../../mqtt/wire';
import type { Will } from './connect-packet';
import { PLACEHOLDER } from './outgoing';

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
    if (isPublished) this.#publish(waiting.identity, messageOf(waiting.will));
  }

  clear(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }
}

/** The PUBLISH of a will. */
function messageOf({ topic, payload, qos, retain, properties }: Will): Message {
  const id = qos === 0 ? 0 : PLACEHOLDER;
  const writer = new PublishWriter(textBytes(topic), id, properties.length, payload.length, retain);
  writer.append(properties);
  writer.append(payload);
  const { packet } = writer;
  const body = packet.length - remainingLength(packet);
  return new Message(packet, 0, body, packet.length);
}

function remainingLength(packet: Buffer): number {
  for (let lengthBytes = 1; lengthBytes <= 4; lengthBytes++)
    if (((packet[lengthBytes] as number) & 0x80) === 0) return packet.length - 1 - lengthBytes;
  return 0;
}
