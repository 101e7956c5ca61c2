import type { IPublishPacket } from 'mqtt';
import type { UserProperties } from '../protocol/user-properties';

type Properties = NonNullable<IPublishPacket['properties']>;

/**
 * Size in bytes of a QoS 1 PUBLISH on the wire (MQTT 5 section 3.3), to hold against the broker's Maximum Packet
 * Size, which MQTT.js does not check. Counts the properties this client sends.
 */
export function publishSize(topic: string, payloadBytes: number, properties: Properties): number {
  const propertyBytes = propertiesSize(properties);
  const packetIdentifier = 2;
  const remaining =
    text(topic) + packetIdentifier + variableByteInteger(propertyBytes) + propertyBytes + payloadBytes;
  return 1 + variableByteInteger(remaining) + remaining;
}

function propertiesSize(properties: Properties): number {
  let size = 0;
  if (properties.payloadFormatIndicator !== undefined) size += 1 + 1;
  if (properties.messageExpiryInterval !== undefined) size += 1 + 4;
  if (properties.contentType !== undefined) size += 1 + text(properties.contentType);
  if (properties.responseTopic !== undefined) size += 1 + text(properties.responseTopic);
  if (properties.correlationData !== undefined) size += 1 + 2 + properties.correlationData.length;
  for (const [name, value] of Object.entries((properties.userProperties ?? {}) as UserProperties)) {
    for (const one of [value].flat()) size += 1 + text(name) + text(one);
  }
  return size;
}

/** A UTF-8 encoded string: two bytes of length, then its bytes. */
function text(value: string): number {
  return 2 + Buffer.byteLength(value);
}

function variableByteInteger(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
