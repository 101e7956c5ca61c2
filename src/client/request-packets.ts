import { randomFillSync } from 'node:crypto';
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

/** What differs from request to request. */
export interface RequestPacketParts {
  /** 1 to 65535 (MQTT 5 section 2.2.1). */
  packetId: number;
  /** Message expiry interval in seconds (MQTT 5 section 3.3.2.3.3). */
  expiry: number;
  timestamp: string;
  fencingToken: string | undefined;
  /** Further user properties. */
  userProperties: UserProperties | undefined;
  payload: Buffer;
}

export interface RequestPacket {
  packet: Buffer;
  /** Correlation data, each byte a character (latin1). */
  correlation: string;
  /** Where in the packet the message expiry interval is. */
  expiryAt: number;
}

const PUBLISH_QOS_1 = 0x32;
const DUP = 0x08;
const CORRELATION_BYTES = 16;
/** Expiry and correlation data with their identifiers and, of the latter, length. */
const PATCHED_BYTES = 1 + 4 + 1 + 2 + CORRELATION_BYTES;

/**
 * Makes the PUBLISH packets of one client's requests (MQTT 5 section 3.3; docs/protocol.md section 1). What never changes is
 * encoded once. MQTT.js would encode it anew for each request and keep a deep copy: docs/benchmarks.md.
 */
export class RequestPackets {
  readonly #topic = text(REQUEST_TOPIC);
  /** The properties that never change. */
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
    ]);
  }

  make({
    packetId,
    expiry,
    timestamp,
    fencingToken,
    userProperties,
    payload,
  }: RequestPacketParts): RequestPacket {
    const more = this.#more(fencingToken, userProperties);
    const properties =
      this.#fixed.length + PATCHED_BYTES + sizeOfUserProperty(TIMESTAMP, timestamp) + more.length;
    const remaining = this.#topic.length + 2 + sizeOfNumber(properties) + properties + payload.length;
    const packet = Buffer.allocUnsafe(1 + sizeOfNumber(remaining) + remaining);
    packet[0] = PUBLISH_QOS_1;
    let at = writeNumber(packet, remaining, 1);
    at = append(packet, this.#topic, at);
    at = packet.writeUInt16BE(packetId, at);
    at = writeNumber(packet, properties, at);
    at = append(packet, this.#fixed, at);
    packet[at++] = 0x02;
    const expiryAt = at;
    at = packet.writeUInt32BE(expiry, at);
    packet[at++] = 0x09;
    at = packet.writeUInt16BE(CORRELATION_BYTES, at);
    this.#ids.write(packet, at);
    const correlation = packet.toString('latin1', at, at + CORRELATION_BYTES);
    at = writeUserProperty(packet, TIMESTAMP, timestamp, at + CORRELATION_BYTES);
    at = append(packet, more, at);
    append(packet, payload, at);
    return { packet, correlation, expiryAt };
  }

  #more(fencingToken: string | undefined, userProperties: UserProperties | undefined): Buffer {
    if (fencingToken === undefined && !userProperties) return NOTHING;
    const own = fencingToken === undefined ? {} : { [FENCING_TOKEN]: fencingToken };
    const all = Object.entries({ ...own, ...userProperties });
    return Buffer.concat(
      all.flatMap(([name, values]) => [values].flat().map((one) => userProperty(name, one))),
    );
  }
}

/** Marks a packet as one that is sent again (MQTT 5 section 3.3.1.1), with the seconds that are left of its expiry. */
export function markDuplicate({ packet, expiryAt }: RequestPacket, expiry: number): void {
  packet[0] = PUBLISH_QOS_1 | DUP;
  packet.writeUInt32BE(expiry, expiryAt);
}

/** Random (version 4) UUIDs as 16 bytes, drawn from the system a few thousand bytes at a time. */
class CorrelationIds {
  readonly #pool = Buffer.alloc(CORRELATION_BYTES * 256);
  #next = this.#pool.length;

  write(target: Buffer, at: number): void {
    if (this.#next === this.#pool.length) {
      randomFillSync(this.#pool);
      this.#next = 0;
    }
    this.#pool.copy(target, at, this.#next, this.#next + CORRELATION_BYTES);
    this.#next += CORRELATION_BYTES;
    target[at + 6] = ((target[at + 6] as number) & 0x0f) | 0x40;
    target[at + 8] = ((target[at + 8] as number) & 0x3f) | 0x80;
  }
}

const NOTHING = Buffer.alloc(0);
const USER_PROPERTY = 0x26;

function append(target: Buffer, source: Buffer, at: number): number {
  target.set(source, at);
  return at + source.length;
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
  const bytes = Buffer.alloc(sizeOfUserProperty(name, value));
  writeUserProperty(bytes, name, value, 0);
  return bytes;
}

function sizeOfUserProperty(name: string, value: string): number {
  return 1 + 2 + Buffer.byteLength(name) + 2 + Buffer.byteLength(value);
}

function writeUserProperty(target: Buffer, name: string, value: string, at: number): number {
  target[at] = USER_PROPERTY;
  return writeText(target, value, writeText(target, name, at + 1));
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
