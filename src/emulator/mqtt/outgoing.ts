/** Messages for sessions, encoded. */
import type { Message } from '../../mqtt/publish';
import { PublishWriter } from '../../mqtt/publish-writer';
import { sizeOfNumber, textBytes } from '../../mqtt/wire';
import type { Outgoing, Session, Subscription } from './session';
import { filterMatches } from './topic-index';

/** Packet identifier of a message that is encoded before it has one. */
export const PLACEHOLDER = 1;

/** What of a message a session gets: MQTT 5 section 3.3.4. */
export interface Granted {
  qos: number;
  identifiers: number[];
}

export const UNASKED: Granted = { qos: 1, identifiers: [] };

export function granted(subscriptions: Subscription[], qos: number): Granted {
  return {
    qos: Math.min(qos, Math.max(...subscriptions.map((one) => one.qos))),
    identifiers: subscriptions.flatMap(({ identifier }) => identifier ?? []),
  };
}

/** The client's subscription for a topic, the one with the highest QoS if several match. */
export function subscriptionOf({ subscriptions }: Session, topic: string): Subscription | undefined {
  let best = subscriptions.get(topic);
  if (best && best.qos > 0) return best;
  for (const [filter, one] of subscriptions)
    if (filterMatches(filter, topic) && (!best || one.qos > best.qos)) best = one;
  return best;
}

export function forwarded(
  message: Message,
  { qos, identifiers }: Granted,
  version: number,
  retain: boolean,
): Outgoing {
  const { messageExpiry, payload } = message;
  const kept = version === 5 ? message.forwardedProperties() : Buffer.alloc(0);
  let size = kept.length + (messageExpiry === undefined ? 0 : 5);
  for (const one of identifiers) size += 1 + sizeOfNumber(one);
  const writer = new PublishWriter(
    textBytes(message.topic),
    qos === 0 ? 0 : PLACEHOLDER,
    version === 5 ? size : undefined,
    payload.length,
    retain,
  );
  if (version === 5) {
    writer.append(kept);
    if (messageExpiry !== undefined) writer.messageExpiry(messageExpiry);
    for (const one of identifiers) writer.subscriptionIdentifier(one);
  }
  writer.append(payload);
  return outgoing(writer, messageExpiry);
}

export function outgoing(
  { packet, packetIdAt, expiryAt }: PublishWriter,
  expirySeconds: number | undefined,
): Outgoing {
  return { packet, packetIdAt, expiryAt, expiresAt: expiryTime(expirySeconds) };
}

/** When a message expires, in milliseconds of the monotonic clock. `seconds`: its message expiry interval, from now. */
export function expiryTime(seconds: number | undefined): number {
  return seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1000;
}
