/**
 * Reads and checks the packets of a client other than PUBLISH, in MQTT 5 and 3.1.1: lengths, text, and every property by type and number (MQTT 5
 * sections 2.2.2 and 3.1 to 3.15).
 */
import type { Message } from '../mqtt/publish';
import {
  endOfNumber,
  endOfText,
  isText,
  malformed,
  PacketFault,
  PROTOCOL_ERROR,
  Property,
  readNumber,
  readUInt16,
  readUInt32,
} from '../mqtt/wire';

import { Reason } from './broker-packets';

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

/** The number properties of a packet, by identifier; 1 for those of another kind. */
type Numbers = Map<number, number>;

/** Reads one packet: `data` from `at`, where its variable header begins, to `end`. Throws `PacketFault`. */
class PacketReader {
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

  /** The bytes from `start` to the present place. */
  since(start: number): Buffer {
    return this.#data.subarray(start, this.at);
  }

  /** Reads the properties of a place, if this `version` of MQTT has them. */
  properties(where: number, version = 5): Numbers {
    const found: Numbers = new Map();
    if (version < 5) return found;
    const length = this.number();
    const end = this.at + length;
    if (end > this.#end) throw malformed();
    while (this.at < end) {
      const id = this.byte();
      const known = PROPERTIES[id];
      if (!known || (known.where & where) === 0) throw malformed();
      if (id !== Property.USER && found.has(id)) throw new PacketFault(PROTOCOL_ERROR);
      const value = this.#value(known.kind);
      if (value === 0 && known.zero === false) throw new PacketFault(PROTOCOL_ERROR);
      found.set(id, value);
    }
    if (this.at !== end) throw malformed();
    return found;
  }

  /** Steps over a value; returns the number, or 1 if it is not a number. */
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
        this.text();
        return 1;
      case 'bytes':
        this.bytes();
        return 1;
      case 'pair':
        this.text();
        this.text();
        return 1;
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

/** The message that a broker publishes for a client whose connection ended without a DISCONNECT (MQTT 5 section 3.1.2.5). */
export interface Will {
  topic: string;
  payload: Buffer;
  qos: number;
  retain: boolean;
  /** Encoded, as in a PUBLISH, without the length in front. Undefined in MQTT 3.1.1. */
  properties: Buffer;
  delayMs: number;
}

export interface Connect {
  /** 5, or 4 for MQTT 3.1.1. */
  version: number;
  cleanStart: boolean;
  clientId: string;
  keepAliveSeconds: number;
  username: string | undefined;
  password: Buffer | undefined;
  will: Will | undefined;
  sessionExpirySeconds: number;
  /** QoS 1 messages that the client takes before it acknowledges one. */
  receiveMaximum: number;
  /** Bytes of the largest packet that the client takes. */
  maximumPacketSize: number;
  hasAuthenticationMethod: boolean;
}

const MAX_RECEIVE = 65_535;

/** Reads a CONNECT. Its version may be one that is not supported; then nothing but the version counts. */
export function readConnect(data: Buffer, body: number, end: number): Connect {
  const reader = new PacketReader(data, body, end);
  reader.text();
  const version = reader.byte();
  if (version !== 4 && version !== 5) return { ...NO_CONNECT, version };
  const flags = reader.byte();
  if ((flags & 1) !== 0) throw malformed();
  const keepAliveSeconds = reader.two();
  const properties = reader.properties(IN_CONNECT, version);
  const clientId = reader.text();
  const will = (flags & 0x04) !== 0 ? readWill(reader, flags, version) : undefined;
  if (!will && (flags & 0x38) !== 0) throw malformed();
  const username = (flags & 0x80) !== 0 ? reader.text() : undefined;
  const password = (flags & 0x40) !== 0 ? Buffer.from(reader.bytes()) : undefined;
  reader.finish();
  return {
    ...{ version, clientId, keepAliveSeconds, username, password, will, cleanStart: (flags & 2) !== 0 },
    sessionExpirySeconds: properties.get(Property.SESSION_EXPIRY) ?? 0,
    receiveMaximum: properties.get(Property.RECEIVE_MAXIMUM) ?? MAX_RECEIVE,
    maximumPacketSize: properties.get(Property.MAXIMUM_PACKET_SIZE) ?? Number.POSITIVE_INFINITY,
    hasAuthenticationMethod: properties.has(Property.AUTHENTICATION_METHOD),
  };
}

const NO_CONNECT: Connect = {
  ...{
    version: 0,
    cleanStart: true,
    clientId: '',
    keepAliveSeconds: 0,
    username: undefined,
    password: undefined,
  },
  ...{
    will: undefined,
    sessionExpirySeconds: 0,
    receiveMaximum: MAX_RECEIVE,
    hasAuthenticationMethod: false,
  },
  maximumPacketSize: Number.POSITIVE_INFINITY,
};

function readWill(reader: PacketReader, flags: number, version: number): Will {
  const qos = (flags >> 3) & 3;
  if (qos === 3) throw malformed();
  const start = reader.at;
  const found = reader.properties(IN_WILL, version);
  const encoded = version === 5 ? withoutDelay(reader.since(start)) : Buffer.alloc(0);
  const topic = reader.text();
  checkTopic(topic);
  const payload = Buffer.from(reader.bytes());
  const delayMs = (found.get(Property.WILL_DELAY) ?? 0) * 1000;
  return { topic, payload, qos, retain: (flags & 0x20) !== 0, properties: encoded, delayMs };
}

/** Properties of a will with their length in front -> the same without the length and the will delay, which no PUBLISH has. */
function withoutDelay(encoded: Buffer): Buffer {
  const reader = new PacketReader(encoded, 0, encoded.length);
  reader.number();
  const kept: Buffer[] = [];
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.byte();
    skipValue(reader, id);
    if (id !== Property.WILL_DELAY) kept.push(Buffer.from(reader.since(start)));
  }
  return Buffer.concat(kept);
}

function skipValue(reader: PacketReader, id: number): void {
  switch (PROPERTIES[id]?.kind) {
    case 'flag':
      reader.byte();
      break;
    case 'four':
      reader.four();
      break;
    case 'pair':
      reader.bytes();
      reader.bytes();
      break;
    default:
      reader.bytes();
  }
}

/** What a client asks for one topic filter (MQTT 5 section 3.8.3.1). */
export interface FilterOptions {
  filter: string;
  qos: number;
  /** Whether the client does not want its own messages. */
  noLocal: boolean;
  /** Whether the retain flag of a message is kept. */
  retainAsPublished: boolean;
  /** 0: retained messages are sent, 1: for a new subscription only, 2: not at all. */
  retainHandling: number;
  identifier: number | undefined;
}

export function readSubscribe(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { packetId: number; filters: FilterOptions[] } {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  const identifier = reader.properties(IN_SUBSCRIBE, version).get(Property.SUBSCRIPTION_IDENTIFIER);
  const filters: FilterOptions[] = [];
  do {
    const filter = readFilter(reader);
    const options = reader.byte();
    const qos = options & 3;
    const retainHandling = (options >> 4) & 3;
    if (qos === 3 || retainHandling === 3 || (options & 0xc0) !== 0) throw malformed();
    const [noLocal, retainAsPublished] = [(options & 4) !== 0, (options & 8) !== 0];
    filters.push({ filter, qos: Math.min(qos, 1), noLocal, retainAsPublished, retainHandling, identifier });
  } while (reader.left > 0);
  return { packetId, filters };
}

export function readUnsubscribe(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { packetId: number; filters: string[] } {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  reader.properties(IN_UNSUBSCRIBE, version);
  const filters: string[] = [];
  do filters.push(readFilter(reader));
  while (reader.left > 0);
  return { packetId, filters };
}

function readFilter(reader: PacketReader): string {
  const filter = reader.text();
  const levels = filter.split('/');
  const isValid = levels.every(
    (level, index) =>
      level === '+' ||
      (level === '#' ? index === levels.length - 1 : !level.includes('+') && !level.includes('#')),
  );
  if (filter === '' || !isValid) throw new PacketFault(Reason.TOPIC_FILTER_INVALID);
  return filter;
}

/** Checks a PUBACK and returns its packet identifier. PUBREC, PUBREL and PUBCOMP have the same form. */
export function readAcknowledgement(data: Buffer, body: number, end: number, version: number): number {
  const reader = new PacketReader(data, body, end);
  const packetId = reader.packetId();
  if (version === 5 && reader.left > 0) reader.byte();
  if (version === 5 && reader.left > 0) reader.properties(IN_ACK);
  reader.finish();
  return packetId;
}

export function checkPing(body: number, end: number): void {
  if (body !== end) throw malformed();
}

/** A DISCONNECT of a client. `sessionExpirySeconds`: replaces the one of the CONNECT, if it is there. */
export function readDisconnect(
  data: Buffer,
  body: number,
  end: number,
  version: number,
): { reasonCode: number; sessionExpirySeconds: number | undefined } {
  const reader = new PacketReader(data, body, end);
  const reasonCode = version === 5 && reader.left > 0 ? reader.byte() : 0;
  const properties: Numbers = version === 5 && reader.left > 0 ? reader.properties(IN_DISCONNECT) : new Map();
  reader.finish();
  return { reasonCode, sessionExpirySeconds: properties.get(Property.SESSION_EXPIRY) };
}

/** Checks a PUBLISH of a client. `isRequest`: it has the request topic, so the topic needs no check. Throws `PacketFault`. */
export function checkPublish(message: Message, isRequest: boolean): void {
  if (!message.isWellFormed()) throw malformed();
  if (message.qos === 2) throw new PacketFault(Reason.QOS_NOT_SUPPORTED);
  // MQTT 5 section 3.3.1.1.
  if (message.qos === 0 && message.dup) throw malformed();
  if (message.hasSubscriptionIdentifier) throw new PacketFault(PROTOCOL_ERROR);
  // The CONNACK has no Topic Alias Maximum, so it is 0 (MQTT 5 section 3.2.2.3.8).
  if (message.topicAlias > 0) throw new PacketFault(Reason.TOPIC_ALIAS_INVALID);
  if (!isRequest) checkTopic(message.topic);
}

function checkTopic(topic: string): void {
  if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(Reason.TOPIC_NAME_INVALID);
}

function fault(reasonCode: number): never {
  throw new PacketFault(reasonCode);
}
