/** PUBLISH packets of MQTT 5 (section 3.3), written by the client and by the emulator. */
import { append, endOfNumber, PacketType, Property, sizeOfNumber, writeNumber, writeUInt16 } from './wire';

const QOS_1 = 0x02;
/** The bit of a packet that is sent again (MQTT 5 section 3.3.1.1). */
export const DUP = 0x08;
export const RETAIN = 0x01;

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
