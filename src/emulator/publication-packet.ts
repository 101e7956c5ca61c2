import { TIMESTAMP } from '../protocol/user-properties';
import { Property } from './packet-check';
import { CONTENT_TYPE, type Publication, type PublicationKind, USER_PROPERTIES } from './publication';

const PUBLISH = 0x30;
const QOS_1 = 0x02;

/** Properties that are the same for all publications of a kind, and what comes before the version: encoded once. */
const CONTENT_TYPE_BYTES = Buffer.concat([Buffer.from([Property.CONTENT_TYPE]), text(CONTENT_TYPE)]);
const TIMESTAMP_BYTES = Buffer.concat([Buffer.from([Property.USER]), text(TIMESTAMP)]);
const USER_BYTES: Record<PublicationKind, Buffer> = {
  answer: userProperties(USER_PROPERTIES.answer),
  refusal: userProperties(USER_PROPERTIES.refusal),
  notification: userProperties(USER_PROPERTIES.notification),
};

/** The topic of the last packet: most go to the same one as the packet before. */
let lastTopic = '';
let lastTopicBytes = text('');

/**
 * The PUBLISH packet of a message the store sends (MQTT 5 section 3.3), with packet identifier 1 to 65535 for QoS 1 or 0 for QoS 0,
 * and with the identifier of the subscription it is sent for, where it has one.
 */
export function publicationPacket(
  publication: Publication,
  packetId: number,
  subscriptionIdentifier: number | undefined,
): Buffer {
  const { kind, payload, correlationData, messageExpiryInterval, version } = publication;
  const topic = topicBytes(publication.topic);
  const user = USER_BYTES[kind];
  const hasFormat = kind !== 'notification';
  const versionBytes = version === undefined ? 0 : Buffer.byteLength(version);
  let size = CONTENT_TYPE_BYTES.length + user.length;
  if (hasFormat) size += 2;
  if (messageExpiryInterval !== undefined) size += 5;
  if (correlationData) size += 3 + correlationData.length;
  if (subscriptionIdentifier !== undefined) size += 1 + sizeOfNumber(subscriptionIdentifier);
  if (version !== undefined) size += TIMESTAMP_BYTES.length + 2 + versionBytes;

  const remaining = topic.length + (packetId > 0 ? 2 : 0) + sizeOfNumber(size) + size + payload.length;
  const packet = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
  packet[0] = PUBLISH | (packetId > 0 ? QOS_1 : 0);
  let at = append(packet, topic, writeNumber(packet, remaining, 1));
  if (packetId > 0) at = packet.writeUInt16BE(packetId, at);
  at = writeNumber(packet, size, at);
  if (hasFormat) {
    packet[at++] = Property.PAYLOAD_FORMAT;
    packet[at++] = 0;
  }
  if (messageExpiryInterval !== undefined) {
    packet[at++] = Property.MESSAGE_EXPIRY;
    at = packet.writeUInt32BE(messageExpiryInterval, at);
  }
  at = append(packet, CONTENT_TYPE_BYTES, at);
  if (correlationData) {
    packet[at++] = Property.CORRELATION_DATA;
    at = append(packet, correlationData, packet.writeUInt16BE(correlationData.length, at));
  }
  if (subscriptionIdentifier !== undefined) {
    packet[at++] = Property.SUBSCRIPTION_IDENTIFIER;
    at = writeNumber(packet, subscriptionIdentifier, at);
  }
  at = append(packet, user, at);
  if (version !== undefined) {
    at = packet.writeUInt16BE(versionBytes, append(packet, TIMESTAMP_BYTES, at));
    at += packet.write(version, at);
  }
  append(packet, payload, at);
  return packet;
}

function topicBytes(topic: string): Buffer {
  if (topic !== lastTopic) {
    lastTopicBytes = text(topic);
    lastTopic = topic;
  }
  return lastTopicBytes;
}

function userProperties(properties: Record<string, string>): Buffer {
  return Buffer.concat(
    Object.entries(properties).flatMap(([name, value]) => [
      Buffer.from([Property.USER]),
      text(name),
      text(value),
    ]),
  );
}

/** A UTF-8 encoded string: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
function text(value: string): Buffer {
  const bytes = Buffer.from(`\0\0${value}`);
  bytes.writeUInt16BE(bytes.length - 2);
  return bytes;
}

function append(target: Buffer, source: Buffer, at: number): number {
  target.set(source, at);
  return at + source.length;
}

/** Bytes of a variable byte integer (MQTT 5 section 1.5.5). */
function sizeOfNumber(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

function writeNumber(target: Buffer, value: number, at: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest >>= 7) target[next++] = (rest & 0x7f) | 0x80;
  target[next++] = rest;
  return next;
}
