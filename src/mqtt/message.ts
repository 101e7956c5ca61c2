/**
 * A PUBLISH as it arrives: the response to a request, or a notification. It is a view into what came from the socket; text is made when
 * somebody asks for it.
 */
export class Message {
  /** To be acknowledged; 0 for QoS 0. */
  readonly packetId: number;
  /** What the message was read from. */
  readonly data: Buffer;
  /** Where in the data its correlation data begin and end; the same place when it has none. */
  readonly correlationStart: number;
  readonly correlationEnd: number;
  readonly #topic: number;
  readonly #topicEnd: number;
  readonly #properties: number;
  readonly #propertiesEnd: number;
  readonly #end: number;

  /** Reads the PUBLISH from `start` to `end`, whose topic begins at `body`. Throws {@link RangeError} when it is malformed. */
  constructor(data: Buffer, start: number, body: number, end: number) {
    const topicEnd = endOfText(data, body, end);
    const qos = ((data[start] as number) >> 1) & 3;
    const lengthAt = qos === 0 ? topicEnd : topicEnd + 2;
    const properties = endOfNumber(data, lengthAt);
    const propertiesEnd = properties + readNumber(data, lengthAt, properties);
    if (propertiesEnd > end) throw malformed();
    let correlationStart = 0;
    let correlationEnd = 0;
    let at = properties;
    while (at < propertiesEnd) {
      const value = at + 1;
      switch (data[at]) {
        case USER_PROPERTY:
          at = endOfText(data, endOfText(data, value, propertiesEnd), propertiesEnd);
          break;
        case CORRELATION_DATA:
          at = endOfText(data, value, propertiesEnd);
          correlationStart = value + 2;
          correlationEnd = at;
          break;
        default:
          at = endOfProperty(data, at, propertiesEnd);
      }
    }
    if (at !== propertiesEnd) throw malformed();
    this.packetId = qos === 0 ? 0 : readUInt16(data, topicEnd);
    this.data = data;
    this.correlationStart = correlationStart;
    this.correlationEnd = correlationEnd;
    this.#topic = body + 2;
    this.#topicEnd = topicEnd;
    this.#properties = properties;
    this.#propertiesEnd = propertiesEnd;
    this.#end = end;
  }

  get topic(): string {
    return this.data.toString('utf8', this.#topic, this.#topicEnd);
  }

  /** Whether the topic is this one, in UTF-8. */
  hasTopic(topic: Uint8Array): boolean {
    return this.#is(topic, this.#topic, this.#topicEnd);
  }

  /** A view. */
  get payload(): Buffer {
    return this.data.subarray(this.#propertiesEnd, this.#end);
  }

  /**
   * The user property with an ASCII `name`; the first one when it comes more than once. `usual` is the value it has nearly always, in
   * ASCII, which then need not be made anew.
   */
  userProperty(name: string, usual?: string): string | undefined {
    const { data } = this;
    for (let at = this.#properties; at < this.#propertiesEnd; ) {
      if (data[at] !== USER_PROPERTY) {
        at = endOfProperty(data, at, this.#propertiesEnd);
        continue;
      }
      const nameEnd = at + 3 + readUInt16(data, at + 1);
      const valueStart = nameEnd + 2;
      const valueEnd = valueStart + readUInt16(data, nameEnd);
      if (isText(data, at + 3, nameEnd, name)) {
        if (usual !== undefined && isText(data, valueStart, valueEnd, usual)) return usual;
        return data.toString('utf8', valueStart, valueEnd);
      }
      at = valueEnd;
    }
    return undefined;
  }

  #is(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.data[start + i] !== bytes[i]) return false;
    return true;
  }
}

/** Properties a PUBLISH may have (MQTT 5 section 3.3.2.3). */
const PAYLOAD_FORMAT = 0x01;
const MESSAGE_EXPIRY = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const SUBSCRIPTION_IDENTIFIER = 0x0b;
const USER_PROPERTY = 0x26;

function isText(data: Buffer, start: number, end: number, ascii: string): boolean {
  if (end - start !== ascii.length) return false;
  for (let i = 0; i < ascii.length; i++) if (data[start + i] !== ascii.charCodeAt(i)) return false;
  return true;
}

/** End of the property at `at`, if a PUBLISH may have it. */
function endOfProperty(data: Buffer, at: number, limit: number): number {
  const value = at + 1;
  switch (data[at]) {
    case PAYLOAD_FORMAT:
      return value + 1;
    case MESSAGE_EXPIRY:
      return value + 4;
    case CONTENT_TYPE:
    case RESPONSE_TOPIC:
    case CORRELATION_DATA:
      return endOfText(data, value, limit);
    case SUBSCRIPTION_IDENTIFIER:
      return endOfNumber(data, value);
    default:
      throw malformed();
  }
}

/** End of a text or binary value: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
function endOfText(data: Buffer, at: number, limit: number): number {
  const end = at + 2 + readUInt16(data, at);
  if (end > limit) throw malformed();
  return end;
}

/** Throws {@link RangeError} beyond the end of the data. */
function readUInt16(data: Buffer, at: number): number {
  if (at + 1 >= data.length) throw malformed();
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}

/** End of a variable byte integer (MQTT 5 section 1.5.5). */
function endOfNumber(data: Buffer, at: number): number {
  let end = at;
  while ((data[end++] as number) >= 0x80) if (end - at >= 4) throw malformed();
  return end;
}

function readNumber(data: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 128 + ((data[i] as number) & 0x7f);
  return value;
}

function malformed(): RangeError {
  return new RangeError('a malformed PUBLISH');
}
