/** Writes the packets of a broker other than PUBLISH, in MQTT 5 and 3.1.1. */
import { PacketType, Property, sizeOfNumber, textBytes, writeNumber } from '../../mqtt/wire';
import { ReasonCode } from '../../reason-codes';

export interface Connack {
  sessionPresent: boolean;
  sessionExpirySeconds: number;
  receiveMaximum: number | undefined;
  maximumPacketSize: number;
  /** If the broker chose it. */
  assignedClientId: string | undefined;
}

export function connack(version: number, { sessionPresent, ...limits }: Connack): Buffer {
  const flags = sessionPresent ? 1 : 0;
  if (version < 5) return frame(PacketType.CONNACK, Buffer.from([flags, 0]));
  const { receiveMaximum, assignedClientId } = limits;
  const properties = Buffer.concat([
    four(Property.SESSION_EXPIRY, limits.sessionExpirySeconds),
    ...(receiveMaximum === undefined ? [] : [two(Property.RECEIVE_MAXIMUM, receiveMaximum)]),
    Buffer.from([Property.MAXIMUM_QOS, 1]),
    four(Property.MAXIMUM_PACKET_SIZE, limits.maximumPacketSize),
    ...(assignedClientId === undefined
      ? []
      : [Buffer.from([Property.ASSIGNED_CLIENT_ID]), textBytes(assignedClientId)]),
    Buffer.from([Property.SHARED_SUBSCRIPTION, 0]),
  ]);
  return frame(PacketType.CONNACK, Buffer.from([flags, 0]), withLength(properties));
}

/** A CONNACK that refuses the client. MQTT 3.1.1 has return codes of its own (section 3.2.2.3). */
export function refusedConnack(version: number, reasonCode: number): Buffer {
  if (version >= 5) return frame(PacketType.CONNACK, Buffer.from([0, reasonCode, 0]));
  const code = { [ReasonCode.UNSUPPORTED_VERSION]: 1, [ReasonCode.BAD_CREDENTIALS]: 4 }[reasonCode] ?? 5;
  return frame(PacketType.CONNACK, Buffer.from([0, code]));
}

export function suback(version: number, packetId: number, codes: number[]): Buffer {
  const old = version < 5;
  const body = codes.map((code) => (old && code >= 0x80 ? 0x80 : code));
  return frame(PacketType.SUBACK, acknowledged(packetId, old), Buffer.from(body));
}

export function unsuback(version: number, packetId: number, codes: number[]): Buffer {
  const old = version < 5;
  return frame(PacketType.UNSUBACK, acknowledged(packetId, old), Buffer.from(old ? [] : codes));
}

export function puback(packetId: number, reasonCode = 0): Buffer {
  const packet = Buffer.allocUnsafe(reasonCode === 0 ? 4 : 5);
  packet[0] = PacketType.PUBACK << 4;
  packet[1] = packet.length - 2;
  packet[2] = packetId >> 8;
  packet[3] = packetId;
  if (reasonCode !== 0) packet[4] = reasonCode;
  return packet;
}

export function disconnect(reasonCode: number): Buffer {
  return frame(PacketType.DISCONNECT, Buffer.from([reasonCode, 0]));
}

export const PINGRESP = Buffer.from([PacketType.PINGRESP << 4, 0]);

function acknowledged(packetId: number, old: boolean): Buffer {
  return Buffer.from([packetId >> 8, packetId & 0xff, ...(old ? [] : [0])]);
}

function frame(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([type << 4]), withLength(body)]);
}

function withLength(body: Buffer): Buffer {
  const length = Buffer.alloc(sizeOfNumber(body.length));
  writeNumber(length, body.length, 0);
  return Buffer.concat([length, body]);
}

function two(id: number, value: number): Buffer {
  return Buffer.from([id, value >> 8, value & 0xff]);
}

function four(id: number, value: number): Buffer {
  const bytes = Buffer.from([id, 0, 0, 0, 0]);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}
