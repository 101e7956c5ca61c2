/** PUBLISH packets of MQTT 5 (section 3.3), read by the client and by the emulator. */

import { ReasonCode } from '../reason-codes';
import { DUP, RETAIN } from './publish-writer';
import {
  endOfNumber,
  endOfText,
  isAscii,
  isText,
  malformed,
  PacketFault,
  Property,
  readNumber,
  readUInt16,
  readUInt32,
} from './wire';

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
      if ((seen & bit) !== 0) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
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
          if ((data[value] as number) > 1) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
          break;
        case Property.TOPIC_ALIAS:
          topicAlias = readUInt16(data, value);
          if (topicAlias === 0) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
      }
    }
    if (at !== propertiesEnd) throw malformed();
    this.qos = qos;
    this.packetId = qos === 0 ? 0 : readUInt16(data, topicEnd);
    if (qos > 0 && this.packetId === 0) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
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
