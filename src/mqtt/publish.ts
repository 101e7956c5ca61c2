/** PUBLISH packets of MQTT 5 (section 3.3), written and read by the client and by the emulator. */
import {
  append,
  endOfNumber,
  endOfText,
  isAscii,
  isText,
  malformed,
  PacketFault,
  PacketType,
  PROTOCOL_ERROR,
  Property,
  readNumber,
  readUInt16,
  readUInt32,
  sizeOfNumber,
  writeNumber,
  writeUInt16,
} from './wire';

const QOS_1 = 0x02;
/** The bit of a packet that is sent again (MQTT 5 section 3.3.1.1). */
export const DUP = 0x08;
const RETAIN = 0x01;

/**
 * Writes one PUBLISH. The sizes of its properties and its payload are known before, so that it is made in one piece. The caller appends exactly
 * as many bytes of properties, and then the payload from {@link at} on.
 */
export class PublishWriter {
  readonly packet: Buffer;
  /** Where the packet identifier is; 0 for QoS 0. */
  readonly packetIdAt: number;
  /** Where the message expiry interval is; 0 if there is none. */
  expiryAt = 0;
  /** Where the next byte goes. */
  at: number;

  /**
   * `topic`: with its length, see `textBytes`. `packetId`: 1 to 65535 for QoS 1, 0 for QoS 0. `propertyBytes`: undefined for MQTT 3.1.1, which has no
   * properties. `retain`: the flag.
   */
  constructor(
    topic: Buffer,
    packetId: number,
    propertyBytes: number | undefined,
    payloadBytes: number,
    retain = false,
  ) {
    const isAcknowledged = packetId > 0;
    let remaining = topic.length + (isAcknowledged ? 2 : 0) + payloadBytes;
    if (propertyBytes !== undefined) remaining += sizeOfNumber(propertyBytes) + propertyBytes;
    const packet = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
    packet[0] = (PacketType.PUBLISH << 4) | (isAcknowledged ? QOS_1 : 0) | (retain ? RETAIN : 0);
    let at = append(packet, topic, writeNumber(packet, remaining, 1));
    this.packetIdAt = isAcknowledged ? at : 0;
    if (isAcknowledged) at = writeUInt16(packet, packetId, at);
    this.packet = packet;
    this.at = propertyBytes === undefined ? at : writeNumber(packet, propertyBytes, at);
  }

  append(bytes: Uint8Array): void {
    this.at = append(this.packet, bytes, this.at);
  }

  /** `bytes`: how long the text is in UTF-8. */
  text(value: string, bytes: number): void {
    this.at = writeUInt16(this.packet, bytes, this.at);
    this.at += this.packet.write(value, this.at);
  }

  /** 5 bytes. */
  messageExpiry(seconds: number): void {
    this.packet[this.at++] = Property.MESSAGE_EXPIRY;
    this.expiryAt = this.at;
    this.at = this.packet.writeUInt32BE(seconds, this.at);
  }

  /** 3 bytes and the data. */
  correlationData(data: Uint8Array): void {
    this.packet[this.at++] = Property.CORRELATION_DATA;
    this.at = writeUInt16(this.packet, data.length, this.at);
    this.append(data);
  }

  /** 1 byte and the size of the number. */
  subscriptionIdentifier(identifier: number): void {
    this.packet[this.at++] = Property.SUBSCRIPTION_IDENTIFIER;
    this.at = writeNumber(this.packet, identifier, this.at);
  }
}

/** What PUBLISH packets of one kind have in common: all but the payload, with a few bytes that differ and are overwritten for each. */
export class PublishTemplate {
  readonly #first: number;
  /** From the topic to the last property they have in common. */
  readonly head: Buffer;
  /** Where in the head the packet identifier is. */
  readonly packetIdAt: number;

  readonly #start: number;

  /** `writer`: has written what they have in common. */
  constructor({ packet, packetIdAt, at }: PublishWriter) {
    this.#first = packet[0] as number;
    this.#start = endOfNumber(packet, 1);
    this.head = packet.subarray(this.#start, at);
    this.packetIdAt = this.placeOf(packetIdAt);
  }

  /** Where in the head a byte of the writer's packet is. */
  placeOf(at: number): number {
    return at - this.#start;
  }

  /** Bytes of a packet that is {@link write written} with so many bytes more. */
  sizeWith(bytes: number): number {
    const remaining = this.head.length + bytes;
    return 1 + sizeOfNumber(remaining) + remaining;
  }

  /** Writes all but the last bytes of a packet, and returns where the head begins. */
  write(packet: Buffer, bytes: number): number {
    packet[0] = this.#first;
    const start = writeNumber(packet, this.head.length + bytes, 1);
    packet.set(this.head, start);
    return start;
  }
}

/** A PUBLISH as it arrived: a view into the bytes from the socket. Text is made only when it is asked for. */
export class Message {
  /** 0, 1 or 2. */
  readonly qos: number;
  /** 1 to 65535; 0 for QoS 0, which is not acknowledged. */
  readonly packetId: number;
  /** What the message was read from. */
  readonly data: Buffer;
  /** Where in the data its correlation data begin and end; the same place if it has none. */
  readonly correlationStart: number;
  readonly correlationEnd: number;
  /** Where the bytes of the response topic begin and end; the same place if it has none. */
  readonly responseTopicStart: number;
  readonly responseTopicEnd: number;
  /** Message expiry interval in seconds. */
  readonly messageExpiry: number | undefined;
  /** 0 if it has none. */
  readonly topicAlias: number;
  readonly hasSubscriptionIdentifier: boolean;
  readonly #start: number;
  readonly #version: number;
  readonly #topic: number;
  readonly #topicEnd: number;
  readonly #properties: number;
  readonly #propertiesEnd: number;
  readonly #end: number;

  /**
   * Reads the PUBLISH from `start` to `end`, whose topic begins at `body`, of a peer that speaks this `version` of MQTT (5, or 4 for 3.1.1).
   * Throws {@link PacketFault} if it is malformed.
   */
  constructor(data: Buffer, start: number, body: number, end: number, version = 5) {
    const qos = ((data[start] as number) >> 1) & 3;
    if (qos === 3) throw malformed();
    const topicEnd = endOfText(data, body, end);
    const packetIdEnd = qos === 0 ? topicEnd : topicEnd + 2;
    const properties = version === 5 ? endOfNumber(data, packetIdEnd) : packetIdEnd;
    const propertiesEnd = version === 5 ? properties + readNumber(data, packetIdEnd, properties) : properties;
    if (propertiesEnd > end) throw malformed();
    let correlationStart = 0;
    let correlationEnd = 0;
    let responseTopicStart = 0;
    let responseTopicEnd = 0;
    let messageExpiry: number | undefined;
    let topicAlias = 0;
    let hasSubscriptionIdentifier = false;
    /** One bit for each property that may come only once. */
    let seen = 0;
    let at = properties;
    while (at < propertiesEnd) {
      const id = data[at] as number;
      const value = at + 1;
      at = endOfProperty(data, at, propertiesEnd);
      if (id === Property.USER) continue;
      if (id === Property.SUBSCRIPTION_IDENTIFIER) {
        hasSubscriptionIdentifier = true;
        continue;
      }
      const bit = 1 << (id & 31);
      if ((seen & bit) !== 0) throw new PacketFault(PROTOCOL_ERROR);
      seen |= bit;
      switch (id) {
        case Property.CORRELATION_DATA:
          correlationStart = value + 2;
          correlationEnd = at;
          break;
        case Property.RESPONSE_TOPIC:
          responseTopicStart = value + 2;
          responseTopicEnd = at;
          break;
        case Property.MESSAGE_EXPIRY:
          messageExpiry = readUInt32(data, value);
          break;
        case Property.PAYLOAD_FORMAT:
          if ((data[value] as number) > 1) throw new PacketFault(PROTOCOL_ERROR);
          break;
        case Property.TOPIC_ALIAS:
          topicAlias = readUInt16(data, value);
          if (topicAlias === 0) throw new PacketFault(PROTOCOL_ERROR);
      }
    }
    if (at !== propertiesEnd) throw malformed();
    this.qos = qos;
    this.packetId = qos === 0 ? 0 : readUInt16(data, topicEnd);
    if (qos > 0 && this.packetId === 0) throw new PacketFault(PROTOCOL_ERROR);
    this.data = data;
    this.correlationStart = correlationStart;
    this.correlationEnd = correlationEnd;
    this.responseTopicStart = responseTopicStart;
    this.responseTopicEnd = responseTopicEnd;
    this.messageExpiry = messageExpiry;
    this.topicAlias = topicAlias;
    this.hasSubscriptionIdentifier = hasSubscriptionIdentifier;
    this.#start = start;
    this.#version = version;
    this.#topic = body + 2;
    this.#topicEnd = topicEnd;
    this.#properties = properties;
    this.#propertiesEnd = propertiesEnd;
    this.#end = end;
  }

  /** Whether it may have been sent before (MQTT 5 section 3.3.1.1). */
  get dup(): boolean {
    return ((this.data[this.#start] as number) & DUP) !== 0;
  }

  get retain(): boolean {
    return ((this.data[this.#start] as number) & RETAIN) !== 0;
  }

  /** Bytes of the packet. */
  get size(): number {
    return this.#end - this.#start;
  }

  /** Whether the packet is all that its memory holds. */
  get hasOwnMemory(): boolean {
    return this.size === this.data.length;
  }

  /** The same message with a memory of its own. */
  copy(): Message {
    const [start, end] = [this.#start, this.#end];
    const data = Buffer.from(this.data.subarray(start, end));
    return new Message(data, 0, this.#topic - 2 - start, end - start, this.#version);
  }

  get topic(): string {
    return this.data.toString('utf8', this.#topic, this.#topicEnd);
  }

  /** Whether the topic is this one, in UTF-8. */
  hasTopic(topic: Uint8Array): boolean {
    if (this.#topicEnd - this.#topic !== topic.length) return false;
    for (let i = 0; i < topic.length; i++) if (this.data[this.#topic + i] !== topic[i]) return false;
    return true;
  }

  /** A view; nothing if it has none. */
  get correlationData(): Buffer | undefined {
    const { correlationStart, correlationEnd } = this;
    return correlationStart === 0 ? undefined : this.data.subarray(correlationStart, correlationEnd);
  }

  /** Whether the payload is these bytes. Looked at where it is, since a view would take longer. */
  hasPayload(bytes: Uint8Array): boolean {
    if (this.#end - this.#propertiesEnd !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.data[this.#propertiesEnd + i] !== bytes[i]) return false;
    return true;
  }

  /** A view. */
  get payload(): Buffer {
    return this.data.subarray(this.#propertiesEnd, this.#end);
  }

  /**
   * The value of the user property with an ASCII `name`; of the first one if it comes more than once. `usual`: the ASCII value that it nearly always
   * has, for which no string is made.
   */
  userProperty(name: string, usual?: string): string | undefined {
    const { data } = this;
    for (let at = this.#properties; at < this.#propertiesEnd; ) {
      if (data[at] !== Property.USER) {
        at = endOfProperty(data, at, this.#propertiesEnd);
        continue;
      }
      const nameEnd = at + 3 + readUInt16(data, at + 1);
      const valueStart = nameEnd + 2;
      const valueEnd = valueStart + readUInt16(data, nameEnd);
      if (isAscii(data, at + 3, nameEnd, name)) {
        if (usual !== undefined && isAscii(data, valueStart, valueEnd, usual)) return usual;
        return data.toString('utf8', valueStart, valueEnd);
      }
      at = valueEnd;
    }
    return undefined;
  }

  /** Whether topic and properties have only text that MQTT allows, see `isText`. */
  isWellFormed(): boolean {
    const { data } = this;
    if (!isText(data, this.#topic, this.#topicEnd)) return false;
    for (let at = this.#properties; at < this.#propertiesEnd; ) {
      const end = endOfProperty(data, at, this.#propertiesEnd);
      switch (data[at]) {
        case Property.USER: {
          const nameEnd = at + 3 + readUInt16(data, at + 1);
          if (!isText(data, at + 3, nameEnd) || !isText(data, nameEnd + 2, end)) return false;
          break;
        }
        case Property.CONTENT_TYPE:
        case Property.RESPONSE_TOPIC:
          if (!isText(data, at + 3, end)) return false;
      }
      at = end;
    }
    return true;
  }

  /** A copy of the properties that a broker forwards unchanged: all but message expiry, topic alias and subscription identifiers. */
  forwardedProperties(): Buffer {
    const { data } = this;
    const kept: Buffer[] = [];
    for (let at = this.#properties; at < this.#propertiesEnd; ) {
      const end = endOfProperty(data, at, this.#propertiesEnd);
      switch (data[at]) {
        case Property.MESSAGE_EXPIRY:
        case Property.TOPIC_ALIAS:
        case Property.SUBSCRIPTION_IDENTIFIER:
          break;
        default:
          kept.push(data.subarray(at, end));
      }
      at = end;
    }
    return Buffer.concat(kept);
  }
}

/** End of the property at `at`, if a PUBLISH may have it (MQTT 5 section 3.3.2.3). */
function endOfProperty(data: Buffer, at: number, limit: number): number {
  const value = at + 1;
  switch (data[at]) {
    case Property.USER:
      return endOfText(data, endOfText(data, value, limit), limit);
    case Property.PAYLOAD_FORMAT:
      return within(value + 1, limit);
    case Property.TOPIC_ALIAS:
      return within(value + 2, limit);
    case Property.MESSAGE_EXPIRY:
      return within(value + 4, limit);
    case Property.CONTENT_TYPE:
    case Property.RESPONSE_TOPIC:
    case Property.CORRELATION_DATA:
      return endOfText(data, value, limit);
    case Property.SUBSCRIPTION_IDENTIFIER:
      return within(endOfNumber(data, value), limit);
    default:
      throw malformed();
  }
}

function within(end: number, limit: number): number {
  if (end > limit) throw malformed();
  return end;
}
