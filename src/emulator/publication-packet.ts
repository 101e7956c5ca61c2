import type { Publication, PublicationProperties } from './exchange';
import { Property } from './packet-check';

const PUBLISH = 0x30;
const QOS_1 = 0x02;
/** Room for properties: correlation data of 65,535 bytes and what the store adds. */
const scratch = Buffer.allocUnsafeSlow(2 ** 17);

/**
 * The PUBLISH packet of a message the store sends (MQTT 5 section 3.3), with packet identifier 1 to 65535 for QoS 1 or 0 for QoS 0,
 * and with the identifier of the subscription it is sent for, where it has one.
 */
export function publicationPacket(
  { topic, payload, properties }: Publication,
  packetId: number,
  subscriptionIdentifier: number | undefined,
): Buffer {
  const size = writeProperties(properties, subscriptionIdentifier);
  const topicBytes = Buffer.byteLength(topic);
  const remaining = 2 + topicBytes + (packetId > 0 ? 2 : 0) + sizeOfNumber(size) + size + payload.length;
  const packet = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
  packet[0] = PUBLISH | (packetId > 0 ? QOS_1 : 0);
  let at = writeNumber(packet, remaining, 1);
  at = writeText(packet, topic, at);
  if (packetId > 0) at = packet.writeUInt16BE(packetId, at);
  at = writeNumber(packet, size, at);
  scratch.copy(packet, at, 0, size);
  packet.set(payload, at + size);
  return packet;
}

/** Writes them to the scratch buffer; returns how many bytes they take. */
function writeProperties(
  properties: PublicationProperties,
  subscriptionIdentifier: number | undefined,
): number {
  let at = 0;
  if (properties.payloadFormatIndicator !== undefined) {
    scratch[at++] = Property.PAYLOAD_FORMAT;
    scratch[at++] = properties.payloadFormatIndicator ? 1 : 0;
  }
  if (properties.messageExpiryInterval !== undefined) {
    scratch[at++] = Property.MESSAGE_EXPIRY;
    at = scratch.writeUInt32BE(properties.messageExpiryInterval, at);
  }
  scratch[at++] = Property.CONTENT_TYPE;
  at = writeText(scratch, properties.contentType, at);
  if (properties.correlationData) {
    scratch[at++] = Property.CORRELATION_DATA;
    at = scratch.writeUInt16BE(properties.correlationData.length, at);
    scratch.set(properties.correlationData, at);
    at += properties.correlationData.length;
  }
  if (subscriptionIdentifier !== undefined) {
    scratch[at++] = Property.SUBSCRIPTION_IDENTIFIER;
    at = writeNumber(scratch, subscriptionIdentifier, at);
  }
  for (const name in properties.userProperties) {
    scratch[at++] = Property.USER;
    at = writeText(scratch, name, at);
    at = writeText(scratch, properties.userProperties[name] as string, at);
  }
  return at;
}

/** A UTF-8 encoded string: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
function writeText(target: Buffer, text: string, at: number): number {
  const bytes = target.write(text, at + 2);
  target.writeUInt16BE(bytes, at);
  return at + 2 + bytes;
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
