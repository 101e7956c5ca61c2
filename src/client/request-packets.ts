import type { Message } from '../mqtt/message';
import { type Hlc, sizeOfHlc, writeHlc } from '../protocol/hlc';
import { type Items, sizeOfArray, writeArray } from '../protocol/resp3';
import { REQUEST_TOPIC } from '../protocol/topics';
import {
  FENCING_TOKEN,
  HIGH_PRIORITY,
  PARTITION,
  PROTOCOL_VERSION,
  SOURCE_ID,
  TIMESTAMP,
  type UserProperties,
} from '../protocol/user-properties';
import { randomBytes } from './random';

/** What differs from request to request. */
export interface RequestPacketParts {
  /** 1 to 65535 (MQTT 5 section 2.2.1). */
  packetId: number;
  /** Message expiry interval in seconds (MQTT 5 section 3.3.2.3.3). */
  expiry: number;
  timestamp: Hlc;
  fencingToken: string | undefined;
  /** Further user properties. */
  userProperties: UserProperties | undefined;
  /** Encoded, or what is to be encoded as an array. */
  payload: Buffer | Items;
}

export interface RequestPacket {
  packet: Buffer;
  /** Where in the packet the message expiry interval is. */
  expiryAt: number;
  /** Where in the packet the correlation data are. */
  correlationAt: number;
  /** Where in the packet the payload begins. */
  payloadAt: number;
}

const PUBLISH_QOS_1 = 0x32;
const DUP = 0x08;

/**
 * Makes the PUBLISH packets of one client's requests (MQTT 5 section 3.3; docs/protocol.md section 1). What never changes is
 * encoded once. MQTT.js would encode it anew for each request and keep a deep copy: docs/benchmarks.md.
 */
export class RequestPackets {
  readonly #topic = text(REQUEST_TOPIC);
  readonly #timestampName = Buffer.concat([Buffer.from([USER_PROPERTY]), text(TIMESTAMP)]);
  /** The properties that never change, and those that are written over: message expiry interval and correlation data, at the end. */
  readonly #fixed: Buffer;
  readonly #ids = new CorrelationIds();

  constructor(clientId: string, responseTopic: string) {
    this.#fixed = Buffer.concat([
      Buffer.from([0x01, 0]), // payload format indicator: bytes
      ...[Buffer.from([0x03]), text('application/octet-stream')],
      ...[Buffer.from([0x08]), text(responseTopic)],
      userProperty(SOURCE_ID, clientId),
      userProperty(PROTOCOL_VERSION, '1.0'),
      userProperty(PARTITION, clientId),
      userProperty(HIGH_PRIORITY, ''),
      Buffer.from([0x02, 0, 0, 0, 0]),
      Buffer.from([0x09, 0, CORRELATION_BYTES]),
      this.#ids.template,
    ]);
  }

  /** Whether a message answers a request of this client, however long ago. */
  isOwn(message: Message): boolean {
    return this.#ids.areOf(message);
  }

  make(parts: RequestPacketParts): RequestPacket {
    const { timestamp, payload } = parts;
    const more = moreProperties(parts);
    const sizeOfTimestamp = sizeOfHlc(timestamp);
    const properties =
      this.#fixed.length + this.#timestampName.length + 2 + sizeOfTimestamp + (more?.length ?? 0);
    const payloadBytes = Buffer.isBuffer(payload) ? payload.length : sizeOfArray(payload);
    const remaining = this.#topic.length + 2 + sizeOfNumber(properties) + properties + payloadBytes;
    const packet = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
    packet[0] = PUBLISH_QOS_1;
    let at = writeNumber(packet, remaining, 1);
    at = append(packet, this.#topic, at);
    at = writeUInt16(packet, parts.packetId, at);
    at = writeNumber(packet, properties, at);
    at = append(packet, this.#fixed, at);
    const correlationAt = at - CORRELATION_BYTES;
    this.#ids.write(packet, correlationAt, parts.packetId);
    const expiryAt = correlationAt - 3 - 4;
    packet.writeUInt32BE(parts.expiry, expiryAt);
    at = append(packet, this.#timestampName, at);
    at = writeUInt16(packet, sizeOfTimestamp, at);
    at = writeHlc(packet, timestamp, at);
    if (more) at = append(packet, more, at);
    if (Buffer.isBuffer(payload)) append(packet, payload, at);
    else writeArray(packet, payload, at);
    return { packet, expiryAt, correlationAt, payloadAt: at };
  }
}

/** The packet identifier of the request that a message may answer, see {@link isAnswer}; 0 for a message that answers none. */
export function answeredPacketId({ data, correlationStart, correlationEnd }: Message): number {
  if (correlationEnd - correlationStart !== CORRELATION_BYTES) return 0;
  return data.readUInt16BE(correlationStart + PACKET_ID_AT);
}

/** Whether a message answers this request. */
export function isAnswer(message: Message, { packet, correlationAt }: RequestPacket): boolean {
  const { data, correlationStart, correlationEnd } = message;
  if (correlationEnd - correlationStart !== CORRELATION_BYTES) return false;
  for (let i = 0; i < CORRELATION_BYTES; i++)
    if (data[correlationStart + i] !== packet[correlationAt + i]) return false;
  return true;
}

/** User properties that few requests have. */
function moreProperties({ fencingToken, userProperties }: RequestPacketParts): Buffer | undefined {
  if (fencingToken === undefined && !userProperties) return undefined;
  const own = fencingToken === undefined ? {} : { [FENCING_TOKEN]: fencingToken };
  const all = Object.entries({ ...own, ...userProperties });
  return Buffer.concat(
    all.flatMap(([name, values]) => [values].flat().map((one) => userProperty(name, one))),
  );
}

/** Marks a packet as one that is sent again (MQTT 5 section 3.3.1.1), with the seconds that are left of its expiry. */
export function markDuplicate({ packet, expiryAt }: RequestPacket, expiry: number): void {
  packet[0] = PUBLISH_QOS_1 | DUP;
  packet.writeUInt32BE(expiry, expiryAt);
}

const CORRELATION_BYTES = 16;
/** Where in the correlation data the packet identifier is; a number of the request, of four bytes, comes after it. */
const PACKET_ID_AT = 10;

/**
 * Correlation data: 16 bytes with the form of a random (version 4) UUID. The first ones are random and the same for all requests of one
 * client, so that no answer to another client, or to the one before with this client ID, is taken for an own one. The packet identifier is
 * among them, so that the request is found without looking anything up.
 */
class CorrelationIds {
  readonly template = Buffer.alloc(CORRELATION_BYTES);
  #last = 0;

  constructor() {
    this.template.set(randomBytes(PACKET_ID_AT));
    this.template[6] = ((this.template[6] as number) & 0x0f) | 0x40;
    this.template[8] = ((this.template[8] as number) & 0x3f) | 0x80;
  }

  /** Whether the message has correlation data of this client. */
  areOf({ data, correlationStart, correlationEnd }: Message): boolean {
    if (correlationEnd - correlationStart !== CORRELATION_BYTES) return false;
    return (
      this.template.compare(data, correlationStart, correlationStart + PACKET_ID_AT, 0, PACKET_ID_AT) === 0
    );
  }

  /** Writes what differs into a copy of the template. */
  write(target: Buffer, at: number, packetId: number): void {
    this.#last = (this.#last + 1) | 0;
    target.writeInt32BE(this.#last, writeUInt16(target, packetId, at + PACKET_ID_AT));
  }
}

const USER_PROPERTY = 0x26;

function append(target: Buffer, source: Buffer, at: number): number {
  target.set(source, at);
  return at + source.length;
}

function writeUInt16(target: Buffer, value: number, at: number): number {
  target[at] = value >> 8;
  target[at + 1] = value;
  return at + 2;
}

/** A UTF-8 encoded string: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
function text(value: string): Buffer {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(value));
  writeText(bytes, value, 0);
  return bytes;
}

function writeText(target: Buffer, value: string, at: number): number {
  const bytes = target.write(value, at + 2);
  target.writeUInt16BE(bytes, at);
  return at + 2 + bytes;
}

function userProperty(name: string, value: string): Buffer {
  const bytes = Buffer.alloc(1 + 2 + Buffer.byteLength(name) + 2 + Buffer.byteLength(value));
  bytes[0] = USER_PROPERTY;
  writeText(bytes, value, writeText(bytes, name, 1));
  return bytes;
}

/** Bytes of a variable byte integer (MQTT 5 section 1.5.5). */
function sizeOfNumber(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  if (value < 2_097_152) return 3;
  // One that takes five bytes may not be sent; it is still made as it is measured.
  return value < 268_435_456 ? 4 : 5;
}

function writeNumber(target: Buffer, value: number, at: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest >>= 7) target[next++] = (rest & 0x7f) | 0x80;
  target[next++] = rest;
  return next;
}
