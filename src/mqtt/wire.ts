/** The primitive types of MQTT 5 as bytes: integers, text, and the identifiers of properties (sections 1.5 and 2.2.2). */
import { isUtf8 } from 'node:buffer';
import { hexOf, ReasonCode } from '../reason-codes';

/** Packet types, the upper half of the first byte (MQTT 5 section 2.1.2). */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const;

/** Identifiers of properties (MQTT 5 section 2.2.2.2). */
export const Property = {
  PAYLOAD_FORMAT: 1,
  MESSAGE_EXPIRY: 2,
  CONTENT_TYPE: 3,
  RESPONSE_TOPIC: 8,
  CORRELATION_DATA: 9,
  SUBSCRIPTION_IDENTIFIER: 11,
  SESSION_EXPIRY: 17,
  ASSIGNED_CLIENT_ID: 18,
  AUTHENTICATION_METHOD: 21,
  AUTHENTICATION_DATA: 22,
  REQUEST_PROBLEM_INFORMATION: 23,
  WILL_DELAY: 24,
  REQUEST_RESPONSE_INFORMATION: 25,
  REASON_STRING: 31,
  RECEIVE_MAXIMUM: 33,
  TOPIC_ALIAS_MAXIMUM: 34,
  TOPIC_ALIAS: 35,
  MAXIMUM_QOS: 36,
  USER: 38,
  MAXIMUM_PACKET_SIZE: 39,
  SHARED_SUBSCRIPTION: 42,
} as const;

/** A packet that breaks MQTT 5, and the reason code for the DISCONNECT that answers it (section 4.13). */
export class PacketFault extends Error {
  readonly reasonCode: number;

  constructor(reasonCode: number) {
    super(`invalid MQTT packet, reason code ${hexOf(reasonCode)}`);
    this.reasonCode = reasonCode;
  }
}

export function malformed(): PacketFault {
  return new PacketFault(ReasonCode.MALFORMED_PACKET);
}

// Write.

/** Copies bytes to `at` and returns where they end. */
export function append(target: Buffer, source: Uint8Array, at: number): number {
  target.set(source, at);
  return at + source.length;
}

export function writeUInt16(target: Buffer, value: number, at: number): number {
  target[at] = value >> 8;
  target[at + 1] = value;
  return at + 2;
}

/** Bytes of a variable byte integer (MQTT 5 section 1.5.5). More than four are not valid in MQTT, but their size can be measured. */
export function sizeOfNumber(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  if (value < 2_097_152) return 3;
  return value < 268_435_456 ? 4 : 5;
}

export function writeNumber(target: Buffer, value: number, at: number): number {
  let rest = value;
  let next = at;
  for (; rest >= 128; rest >>= 7) target[next++] = (rest & 0x7f) | 0x80;
  target[next++] = rest;
  return next;
}

/** A UTF-8 encoded string: two bytes of length, then its bytes (MQTT 5 section 1.5.4). */
export function textBytes(value: string): Buffer {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(value));
  writeText(bytes, value, 0);
  return bytes;
}

function writeText(target: Buffer, value: string, at: number): number {
  const bytes = target.write(value, at + 2);
  writeUInt16(target, bytes, at);
  return at + 2 + bytes;
}

/** A user property with its identifier. */
export function userPropertyBytes(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([Property.USER]), textBytes(name), textBytes(value)]);
}

// Read. Each function throws a PacketFault if the value is not inside the data.

export function readUInt16(data: Buffer, at: number): number {
  if (at + 1 >= data.length) throw malformed();
  return ((data[at] as number) << 8) | (data[at + 1] as number);
}

export function readUInt32(data: Buffer, at: number): number {
  return readUInt16(data, at) * 65_536 + readUInt16(data, at + 2);
}

/** End of text or binary data that begin at `at`: two bytes of length, then the bytes. */
export function endOfText(data: Buffer, at: number, limit: number): number {
  const end = at + 2 + readUInt16(data, at);
  if (end > limit) throw malformed();
  return end;
}

/** End of a variable byte integer (MQTT 5 section 1.5.5). */
export function endOfNumber(data: Buffer, at: number): number {
  let end = at;
  for (;;) {
    const byte = data[end++];
    if (byte === undefined || end - at > 4) throw malformed();
    if (byte < 0x80) return end;
  }
}

/** The variable byte integer from `at` to `end`, see {@link endOfNumber}. */
export function readNumber(data: Buffer, at: number, end: number): number {
  let value = 0;
  for (let i = end - 1; i >= at; i--) value = value * 128 + ((data[i] as number) & 0x7f);
  return value;
}

/** Whether the bytes are the text `ascii`. */
export function isAscii(data: Buffer, start: number, end: number, ascii: string): boolean {
  if (end - start !== ascii.length) return false;
  for (let i = 0; i < ascii.length; i++) if (data[start + i] !== ascii.charCodeAt(i)) return false;
  return true;
}

/** Whether MQTT allows the bytes as text: well-formed UTF-8 without U+0000 (MQTT 5 section 1.5.4). */
export function isText(data: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = data[at] as number;
    if (byte === 0) return false;
    if (byte >= 0x80) {
      const rest = data.subarray(at, end);
      return !rest.includes(0) && isUtf8(rest);
    }
  }
  return true;
}
