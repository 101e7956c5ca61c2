/**
 * Checks what a client sends before anything else reads it: lengths, and every property by type and number (MQTT 5 sections 2.2.2
 * and 3.1 to 3.15). What comes after it may trust that a property is there once, or not at all.
 */

/** Packet types, the upper half of the first byte (MQTT 5 section 2.1.2). */
export const PacketType = {
  CONNECT: 1,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  UNSUBSCRIBE: 10,
  PINGREQ: 12,
  DISCONNECT: 14,
} as const;

/** Reason codes of a DISCONNECT (MQTT 5 section 3.14.2.1). */
export const MALFORMED_PACKET = 0x81;
export const PROTOCOL_ERROR = 0x82;
export const IMPLEMENTATION_ERROR = 0x83;
export const TOPIC_FILTER_INVALID = 0x8f;
export const TOPIC_NAME_INVALID = 0x90;
export const PACKET_TOO_LARGE = 0x95;

/** Why a packet is not taken. */
export class PacketFault extends Error {
  readonly reasonCode: number;

  constructor(reasonCode: number) {
    super(`packet refused, reason code 0x${reasonCode.toString(16)}`);
    this.reasonCode = reasonCode;
  }
}

/** Identifiers of properties (MQTT 5 section 2.2.2.2). */
export const Property = {
  PAYLOAD_FORMAT: 0x01,
  MESSAGE_EXPIRY: 0x02,
  CONTENT_TYPE: 0x03,
  RESPONSE_TOPIC: 0x08,
  CORRELATION_DATA: 0x09,
  SUBSCRIPTION_IDENTIFIER: 0x0b,
  USER: 0x26,
} as const;

/** Where properties may stand, as bits. */
const IN_CONNECT = 1;
const IN_WILL = 2;
const IN_PUBLISH = 4;
const IN_SUBSCRIBE = 8;
const IN_ACK = 16;
const IN_DISCONNECT = 32;
const IN_UNSUBSCRIBE = 64;
const IN_MESSAGE = IN_PUBLISH | IN_WILL;

type Kind = 'flag' | 'two' | 'four' | 'number' | 'text' | 'pair';

/** Properties that a client may send, by identifier. */
const PROPERTIES: Record<number, { kind: Kind; where: number; zero?: false } | undefined> = {
  [Property.PAYLOAD_FORMAT]: { kind: 'flag', where: IN_MESSAGE },
  [Property.MESSAGE_EXPIRY]: { kind: 'four', where: IN_MESSAGE },
  [Property.CONTENT_TYPE]: { kind: 'text', where: IN_MESSAGE },
  [Property.RESPONSE_TOPIC]: { kind: 'text', where: IN_MESSAGE },
  [Property.CORRELATION_DATA]: { kind: 'text', where: IN_MESSAGE },
  [Property.SUBSCRIPTION_IDENTIFIER]: { kind: 'number', where: IN_SUBSCRIBE, zero: false },
  17: { kind: 'four', where: IN_CONNECT | IN_DISCONNECT },
  21: { kind: 'text', where: IN_CONNECT },
  22: { kind: 'text', where: IN_CONNECT },
  23: { kind: 'flag', where: IN_CONNECT },
  24: { kind: 'four', where: IN_WILL },
  25: { kind: 'flag', where: IN_CONNECT },
  31: { kind: 'text', where: IN_ACK | IN_DISCONNECT },
  33: { kind: 'two', where: IN_CONNECT, zero: false },
  34: { kind: 'two', where: IN_CONNECT },
  35: { kind: 'two', where: IN_PUBLISH },
  [Property.USER]: { kind: 'pair', where: -1 },
  39: { kind: 'four', where: IN_CONNECT, zero: false },
};

/** Called for every property: its identifier, and where its value begins and ends. */
type Visit = (id: number, from: number, to: number) => void;

/** One packet of a client: `data` from `start` to `end`; what follows the fixed header begins at `body`. */
export class PacketReader {
  readonly #data: Buffer;
  readonly #end: number;
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
    return this.#data[this.#skip(1)] as number;
  }

  two(): number {
    return this.#data.readUInt16BE(this.#skip(2));
  }

  four(): number {
    return this.#data.readUInt32BE(this.#skip(4));
  }

  /** A variable byte integer. */
  number(): number {
    let value = 0;
    for (let factor = 1; factor <= 128 ** 3; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new PacketFault(MALFORMED_PACKET);
  }

  /** Steps over text or binary data; returns where its bytes begin. They end at `at`. */
  text(): number {
    const bytes = this.two();
    return this.#skip(bytes);
  }

  string(): string {
    const from = this.text();
    return this.#data.toString('utf8', from, this.at);
  }

  /** A packet identifier, which is never 0. */
  packetId(): number {
    return this.two() || fault(PROTOCOL_ERROR);
  }

  finish(): void {
    if (this.left !== 0) throw new PacketFault(MALFORMED_PACKET);
  }

  /** Steps over the properties of a place, and checks them. */
  properties(where: number, visit?: Visit): void {
    const length = this.number();
    const end = this.at + length;
    if (end > this.#end) throw new PacketFault(MALFORMED_PACKET);
    let seenLow = 0;
    let seenHigh = 0;
    while (this.at < end) {
      const id = this.byte();
      const known = PROPERTIES[id];
      if (!known) throw new PacketFault(MALFORMED_PACKET);
      if ((known.where & where) === 0) throw new PacketFault(PROTOCOL_ERROR);
      if (id !== Property.USER) {
        const bit = 1 << (id & 31);
        if (((id < 32 ? seenLow : seenHigh) & bit) !== 0) throw new PacketFault(PROTOCOL_ERROR);
        if (id < 32) seenLow |= bit;
        else seenHigh |= bit;
      }
      const from = this.at;
      const value = this.#value(known.kind);
      if (value === 0 && known.zero === false) throw new PacketFault(PROTOCOL_ERROR);
      visit?.(id, from, this.at);
    }
    if (this.at !== end) throw new PacketFault(MALFORMED_PACKET);
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
        return this.text();
      case 'pair':
        this.text();
        return this.text();
    }
  }

  #skip(bytes: number): number {
    const from = this.at;
    if (from + bytes > this.#end) throw new PacketFault(MALFORMED_PACKET);
    this.at = from + bytes;
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
    case PacketType.PUBLISH:
      readPublish(data, start, body, end, version);
      break;
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
        checkFilter(reader.string());
        reader.byte();
        filters++;
      } while (reader.left > 0);
      break;
    case PacketType.UNSUBSCRIBE:
      reader.packetId();
      properties(IN_UNSUBSCRIBE);
      do checkFilter(reader.string());
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
    checkTopic(reader.string());
    reader.text();
  }
  if (flags & 0x80) reader.text();
  if (flags & 0x40) reader.text();
  reader.finish();
  return version;
}

export interface PublishHead {
  qos: number;
  /** 0 for QoS 0. */
  packetId: number;
  /** Where the payload begins. */
  payload: number;
}

/** Checks a PUBLISH; tells its properties to `visit`. Throws {@link PacketFault}. */
export function readPublish(
  data: Buffer,
  start: number,
  body: number,
  end: number,
  version: number,
  visit?: Visit,
): PublishHead {
  const qos = ((data[start] as number) >> 1) & 3;
  if (qos === 3) throw new PacketFault(MALFORMED_PACKET);
  const reader = new PacketReader(data, body, end);
  if (visit) reader.text();
  else checkTopic(reader.string());
  const packetId = qos === 0 ? 0 : reader.packetId();
  if (version === 5) reader.properties(IN_PUBLISH, visit);
  return { qos, packetId, payload: reader.at };
}

function checkTopic(topic: string): void {
  if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(TOPIC_NAME_INVALID);
}

function fault(reasonCode: number): never {
  throw new PacketFault(reasonCode);
}
