/** What the store says: docs/protocol.md sections 1 and 2. */
import { PublishWriter } from '../../mqtt/publish-writer';
import { Property, sizeOfNumber, textBytes, userPropertyBytes } from '../../mqtt/wire';
import { PROTOCOL_VERSION, STATUS, STATUS_MESSAGE, TIMESTAMP } from '../../protocol/user-properties';

/** A response, a refusal of a request without correlation data or with QoS 0, or the notification of a change. */
export type PublicationKind = 'answer' | 'refusal' | 'qosRefusal' | 'notification';

/** A message the store sends, with QoS 1. A notification goes to the client whether it subscribed or not: docs/protocol.md section 7. */
export interface Publication {
  kind: PublicationKind;
  /** The receiving client: the client of the request, or an observer. */
  clientId: string;
  topic: string;
  payload: Buffer;
  correlationData: Buffer | undefined;
  /** Seconds. */
  messageExpiryInterval: number | undefined;
  /** User property `__ts`. */
  version: string | undefined;
}

export const CONTENT_TYPE = 'application/octet-stream';

/** The user properties of a kind that are always the same. */
export const USER_PROPERTIES: Record<PublicationKind, Record<string, string>> = {
  answer: { [PROTOCOL_VERSION]: '1.0', [STATUS]: '200' },
  refusal: {
    [PROTOCOL_VERSION]: '1.0',
    [STATUS]: '400',
    [STATUS_MESSAGE]: 'the request has no correlation data',
  },
  qosRefusal: {
    [PROTOCOL_VERSION]: '1.0',
    [STATUS]: '400',
    [STATUS_MESSAGE]: 'the request does not have QoS 1',
  },
  notification: { [PROTOCOL_VERSION]: '1.0' },
};

/** Properties that are the same for all publications of a kind, and the bytes before the version: encoded once. */
const CONTENT_TYPE_BYTES = Buffer.concat([Buffer.from([Property.CONTENT_TYPE]), textBytes(CONTENT_TYPE)]);
const FORMAT_BYTES = Buffer.concat([Buffer.from([Property.PAYLOAD_FORMAT, 0]), CONTENT_TYPE_BYTES]);
const TIMESTAMP_BYTES = Buffer.concat([Buffer.from([Property.USER]), textBytes(TIMESTAMP)]);
const KIND_BYTES: Record<PublicationKind, Buffer> = {
  answer: kindBytes(FORMAT_BYTES, 'answer'),
  refusal: kindBytes(FORMAT_BYTES, 'refusal'),
  qosRefusal: kindBytes(FORMAT_BYTES, 'qosRefusal'),
  notification: kindBytes(CONTENT_TYPE_BYTES, 'notification'),
};

function kindBytes(first: Buffer, kind: PublicationKind): Buffer {
  const user = Object.entries(USER_PROPERTIES[kind]).map(([name, value]) => userPropertyBytes(name, value));
  return Buffer.concat([first, ...user]);
}

/** The topic of the last packet: most packets have the topic of the packet before. */
let lastTopic = '';
let lastTopicBytes = textBytes('');

function topicBytes(topic: string): Buffer {
  if (topic !== lastTopic) {
    lastTopicBytes = textBytes(topic);
    lastTopic = topic;
  }
  return lastTopicBytes;
}

/**
 * The PUBLISH of a message that the store sends, with packet identifier 1 to 65535 for QoS 1 or 0 for QoS 0, and with the identifiers of the
 * subscriptions it is sent for. `version`: of MQTT; 3.1.1 (4) has no properties.
 */
export function publicationPacket(
  publication: Publication,
  packetId: number,
  subscriptionIdentifiers: readonly number[],
  mqttVersion = 5,
): PublishWriter {
  const { kind, payload, correlationData, messageExpiryInterval, version } = publication;
  const topic = topicBytes(publication.topic);
  if (mqttVersion < 5) {
    const plain = new PublishWriter(topic, packetId, undefined, payload.length);
    plain.append(payload);
    return plain;
  }
  const fixed = KIND_BYTES[kind];
  const versionBytes = version === undefined ? 0 : Buffer.byteLength(version);
  let size = fixed.length;
  if (messageExpiryInterval !== undefined) size += 5;
  if (correlationData) size += 3 + correlationData.length;
  for (const one of subscriptionIdentifiers) size += 1 + sizeOfNumber(one);
  if (version !== undefined) size += TIMESTAMP_BYTES.length + 2 + versionBytes;

  const writer = new PublishWriter(topic, packetId, size, payload.length);
  writer.append(fixed);
  if (messageExpiryInterval !== undefined) writer.messageExpiry(messageExpiryInterval);
  if (correlationData) writer.correlationData(correlationData);
  for (const one of subscriptionIdentifiers) writer.subscriptionIdentifier(one);
  if (version !== undefined) {
    writer.append(TIMESTAMP_BYTES);
    writer.text(version, versionBytes);
  }
  writer.append(payload);
  return writer;
}
