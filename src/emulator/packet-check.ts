/**
 * Checks the packets of a client other than PUBLISH before anything else reads them: lengths, text, and every property by type and number
 * (MQTT 5 sections 2.2.2 and 3.1 to 3.15).
 */
import type { Message } from '../mqtt/publish';
import {
  endOfNumber,
  endOfText,
  isText,
  malformed,
  PacketFault,
  PacketType,
  PROTOCOL_ERROR,
  Property,
  readNumber,
  readUInt16,
  readUInt32,
} from '../mqtt/wire';

/** Reason codes of a DISCONNECT (MQTT 5 section 3.14.2.1). */
export const IMPLEMENTATION_ERROR = 0x83;
export const TOPIC_FILTER_INVALID = 0x8f;
export const TOPIC_NAME_INVALID = 0x90;
export const TOPIC_ALIAS_INVALID = 0x94;
export const PACKET_TOO_LARGE = 0x95;

/** Where properties may stand, as bits. */
const IN_CONNECT = 1;
const IN_WILL = 2;
const IN_SUBSCRIBE = 8;
const IN_ACK = 16;
const IN_DISCONNECT = 32;
const IN_UNSUBSCRIBE = 64;

type Kind = 'flag' | 'two' | 'four' | 'number' | 'text' | 'bytes' | 'pair';

/** Properties that a client may send, by identifier. `zero: false`: 0 is not a valid value. */
const PROPERTIES: Record<number, { kind: Kind; where: number; zero?: false } | undefined> = {
  [Property.PAYLOAD_FORMAT]: { kind: 'flag', where: IN_WILL },
  [Property.MESSAGE_EXPIRY]: { kind: 'four', where: IN_WILL },
  [Property.CONTENT_TYPE]: { kind: 'text', where: IN_WILL },
  [Property.RESPONSE_TOPIC]: { kind: 'text', where: IN_WILL },
  [Property.CORRELATION_DATA]: { kind: 'bytes', where: IN_WILL },
  [Property.SUBSCRIPTION_IDENTIFIER]: { kind: 'number', where: IN_SUBSCRIBE, zero: false },
  [Property.SESSION_EXPIRY]: { kind: 'four', where: IN_CONNECT | IN_DISCONNECT },
  [Property.AUTHENTICATION_METHOD]: { kind: 'text', where: IN_CONNECT },
  [Property.AUTHENTICATION_DATA]: { kind: 'bytes', where: IN_CONNECT },
  [Property.REQUEST_PROBLEM_INFORMATION]: { kind: 'flag', where: IN_CONNECT },
  [Property.WILL_DELAY]: { kind: 'four', where: IN_WILL },
  [Property.REQUEST_RESPONSE_INFORMATION]: { kind: 'flag', where: IN_CONNECT },
  [Property.REASON_STRING]: { kind: 'text', where: IN_ACK | IN_DISCONNECT },
  [Property.RECEIVE_MAXIMUM]: { kind: 'two', where: IN_CONNECT, zero: false },
  [Property.TOPIC_ALIAS_MAXIMUM]: { kind: 'two', where: IN_CONNECT },
  [Property.USER]: { kind: 'pair', where: -1 },
  [Property.MAXIMUM_PACKET_SIZE]: { kind: 'four', where: IN_CONNECT, zero: false },
};

/** Called for every property: its identifier, and where its value begins. */
type Visit = (id: number, from: number) => void;

/** One packet of a client: `data` from `start` to `end`; what follows the fixed header begins at `body`. */
export class PacketReader {
  readonly #data: Buffer;
  readonly #end: number;
  /** Where the next value begins. */
  at: number;

  constructor(data: Buffer, at: number, end: number) {
    this.#data = data;
    this.at = at;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.at;
  }

  byte(): number {
    return this.#data[this.#skipTo(this.at + 1)] as number;
  }

  two(): number {
    return readUInt16(this.#data, this.#skipTo(this.at + 2));
  }

  four(): number {
    return readUInt32(this.#data, this.#skipTo(this.at + 4));
  }

  /** A variable byte integer. */
  number(): number {
    const end = endOfNumber(this.#data, this.at);
    return readNumber(this.#data, this.#skipTo(end), end);
  }

  /** Binary data: a view. */
  bytes(): Buffer {
    const from = this.#skipTo(endOfText(this.#data, this.at, this.#end));
    return this.#data.subarray(from + 2, this.at);
  }

  text(): string {
    const bytes = this.bytes();
    if (!isText(bytes, 0, bytes.length)) throw malformed();
    return bytes.toString();
  }

  /** A packet identifier, which is never 0. */
  packetId(): number {
    return this.two() || fault(PROTOCOL_ERROR);
  }

  finish(): void {
    if (this.left !== 0) throw malformed();
  }

  /** Steps over the properties of a place, and checks them. */
  properties(where: number, visit?: Visit): void {
    const length = this.number();
    const end = this.at + length;
    if (end > this.#end) throw malformed();
    let seenLow = 0;
    let seenHigh = 0;
    while (this.at < end) {
      const id = this.byte();
      const known = PROPERTIES[id];
      if (!known || (known.where & where) === 0) throw malformed();
      if (id !== Property.USER) {
        const bit = 1 << (id & 31);
        if (((id < 32 ? seenLow : seenHigh) & bit) !== 0) throw new PacketFault(PROTOCOL_ERROR);
        if (id < 32) seenLow |= bit;
        else seenHigh |= bit;
      }
      const from = this.at;
      const value = this.#value(known.kind);
      if (value === 0 && known.zero === false) throw new PacketFault(PROTOCOL_ERROR);
      visit?.(id, from);
    }
    if (this.at !== end) throw malformed();
  }

  /** Steps over a value; returns what a number is worth. */
  #value(kind: Kind): number {
    switch (kind) {
      case 'flag': {
        const value = this.byte();
        return value > 1 ? fault(PROTOCOL_ERROR) : value;
      }
      case 'two':
        return this.two();
      case 'four':
        return this.four();
      case 'number':
        return this.number();
      case 'text':
        return this.text().length;
      case 'bytes':
        return this.bytes().length;
      case 'pair':
        this.text();
        return this.text().length;
    }
  }

  /** Goes on to `end`; returns where it was. */
  #skipTo(end: number): number {
    const from = this.at;
    if (end > this.#end) throw malformed();
    this.at = end;
    return from;
  }
}

/** Checks a packet of a client that speaks this version of MQTT. Returns how many topic filters it has. Throws {@link PacketFault}. */
export function checkPacket(data: Buffer, start: number, body: number, end: number, version: number): number {
  let filters = 0;
  const first = data[start] as number;
  const reader = new PacketReader(data, body, end);
  const properties = (where: number) => {
    if (version === 5) reader.properties(where);
  };
  switch (first >> 4) {
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      reader.packetId();
      if (version === 5 && reader.left > 0) reader.byte();
      if (version === 5 && reader.left > 0) reader.properties(IN_ACK);
      reader.finish();
      break;
    case PacketType.SUBSCRIBE:
      reader.packetId();
      properties(IN_SUBSCRIBE);
      do {
        checkFilter(reader.text());
        reader.byte();
        filters++;
      } while (reader.left > 0);
      break;
    case PacketType.UNSUBSCRIBE:
      reader.packetId();
      properties(IN_UNSUBSCRIBE);
      do checkFilter(reader.text());
      while (reader.left > 0);
      break;
    case PacketType.PINGREQ:
      reader.finish();
      break;
    case PacketType.DISCONNECT:
      if (version === 5 && reader.left > 0) reader.byte();
      if (version === 5 && reader.left > 0) reader.properties(IN_DISCONNECT);
      reader.finish();
      break;
    default:
      throw new PacketFault(PROTOCOL_ERROR);
  }
  return filters;
}

/** A name no JavaScript object can hold as a key of its own. */
const UNUSABLE_FILTER = '__proto__';

function checkFilter(filter: string): void {
  if (filter === '' || filter === UNUSABLE_FILTER) throw new PacketFault(TOPIC_FILTER_INVALID);
}

/** Checks a CONNECT and returns the version of MQTT it wants. Throws {@link PacketFault}. */
export function checkConnect(data: Buffer, start: number, body: number, end: number): number {
  if ((data[start] as number) >> 4 !== PacketType.CONNECT) throw new PacketFault(PROTOCOL_ERROR);
  const reader = new PacketReader(data, body, end);
  reader.text();
  const version = reader.byte() & 0x7f;
  const flags = reader.byte();
  reader.two();
  if (version === 5) reader.properties(IN_CONNECT);
  reader.text();
  if (flags & 0x04) {
    if (version === 5) reader.properties(IN_WILL);
    checkTopic(reader.text());
    reader.bytes();
  }
  if (flags & 0x80) reader.text();
  if (flags & 0x40) reader.bytes();
  reader.finish();
  return version;
}

/** Checks a PUBLISH of a client. `isRequest`: it has the request topic. Throws {@link PacketFault}. */
export function checkPublish(message: Message, isRequest: boolean): void {
  if (!message.isWellFormed()) throw malformed();
  // MQTT 5 section 3.3.1.1.
  if (message.qos === 0 && message.dup) throw malformed();
  if (message.hasSubscriptionIdentifier) throw new PacketFault(PROTOCOL_ERROR);
  // The CONNACK has no Topic Alias Maximum, so it is 0 (MQTT 5 section 3.2.2.3.8).
  if (message.topicAlias > 0) throw new PacketFault(TOPIC_ALIAS_INVALID);
  if (!isRequest) checkTopic(message.topic);
}

function checkTopic(topic: string): void {
  if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(TOPIC_NAME_INVALID);
}

function fault(reasonCode: number): never {
  throw new PacketFault(reasonCode);
}
