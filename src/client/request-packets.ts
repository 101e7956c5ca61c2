import { PacketMemory } from '../mqtt/packet-memory';
import type { Message } from '../mqtt/publish';
import { DUP, PublishTemplate, PublishWriter } from '../mqtt/publish-writer';
import { Property, readUInt16, textBytes, userPropertyBytes, writeUInt16 } from '../mqtt/wire';
import { type Hlc, sizeOfHlc, writeHlc, writeHlcTime } from '../protocol/hlc';
import { ArrayWriter, type Items } from '../protocol/resp3';
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

/** The same in all requests of a client. */
export interface RequestIdentity {
  clientId: string;
  responseTopic: string;
  /** Whether requests are control traffic. */
  highPriority: boolean;
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

/** What requests have in common, and where in it the bytes are that differ. */
interface Head {
  template: PublishTemplate;
  correlationAt: number;
  timestampAt: number;
  timestampBytes: number;
  nodeId: string;
  /** Bytes of properties that follow. */
  moreBytes: number;
}

/**
 * Makes the PUBLISH packets of one client's requests (MQTT 5 section 3.3; docs/protocol.md section 1). The parts that never change are
 * encoded once. MQTT.js would encode them again for each request and keep a deep copy: docs/dev/benchmarks.md.
 */
export class RequestPackets {
  readonly #topic = textBytes(REQUEST_TOPIC);
  readonly #timestampName = Buffer.concat([Buffer.from([Property.USER]), textBytes(TIMESTAMP)]);
  /** The properties that never change. Message expiry interval and correlation data, at the end, are overwritten. */
  readonly #fixed: Buffer;
  readonly #ids = new CorrelationIds();
  readonly #memory = new PacketMemory();
  #head: Head | undefined;

  constructor({ clientId, responseTopic, highPriority }: RequestIdentity) {
    this.#fixed = Buffer.concat([
      Buffer.from([Property.PAYLOAD_FORMAT, 0]), // bytes
      Buffer.from([Property.CONTENT_TYPE]),
      textBytes('application/octet-stream'),
      Buffer.from([Property.RESPONSE_TOPIC]),
      textBytes(responseTopic),
      userPropertyBytes(SOURCE_ID, clientId),
      userPropertyBytes(PROTOCOL_VERSION, '1.0'),
      userPropertyBytes(PARTITION, clientId),
      ...(highPriority ? [userPropertyBytes(HIGH_PRIORITY, '')] : []),
      Buffer.from([Property.MESSAGE_EXPIRY, 0, 0, 0, 0]),
      Buffer.from([Property.CORRELATION_DATA, 0, CORRELATION_BYTES]),
      this.#ids.template,
    ]);
  }

  /** Uses the memory of a packet again, which the broker has received. It must not be read any more. */
  recycle({ packet }: RequestPacket): void {
    this.#memory.giveBack(packet);
  }

  /** Whether a message answers a request of this client, however long ago. */
  isOwn(message: Message): boolean {
    return this.#ids.areOf(message);
  }

  make(parts: RequestPacketParts): RequestPacket {
    const { timestamp, payload, packetId } = parts;
    const more = moreProperties(parts);
    const moreBytes = more ? more.length : 0;
    const head = this.#headOf(timestamp, moreBytes);
    const array = Buffer.isBuffer(payload) ? undefined : new ArrayWriter(payload);
    const rest = moreBytes + (array ? array.bytes : payload.length);
    const packet = this.#memory.take(head.template.sizeWith(rest));
    const bytes = head.template.head;
    this.#ids.write(bytes, head.correlationAt, packetId);
    writeUInt16(bytes, packetId, head.template.packetIdAt);
    bytes.writeUInt32BE(parts.expiry, head.correlationAt - EXPIRY_BEFORE_CORRELATION);
    writeHlcTime(bytes, timestamp, head.timestampAt);
    const start = head.template.write(packet, rest);
    const moreAt = start + bytes.length;
    if (more) packet.set(more, moreAt);
    const payloadAt = moreAt + moreBytes;
    if (array) array.write(packet, payloadAt);
    else if (Buffer.isBuffer(payload)) packet.set(payload, payloadAt);
    const correlationAt = start + head.correlationAt;
    return { packet, expiryAt: correlationAt - EXPIRY_BEFORE_CORRELATION, correlationAt, payloadAt };
  }

  /** Bytes of the packet of a request without a fencing token. `payloadBytes`: of its encoded payload. */
  sizeOf(payloadBytes: number, nodeId: string, userProperties: UserProperties | undefined): number {
    const moreBytes = moreProperties({ fencingToken: undefined, userProperties })?.length ?? 0;
    const head = this.#headOf({ wallClockMs: 0, counter: 0, nodeId }, moreBytes);
    return head.template.sizeWith(moreBytes + payloadBytes);
  }

  /** The head of requests with a timestamp of this length, and so many bytes of properties after it. Nearly all requests have the same. */
  #headOf(timestamp: Hlc, moreBytes: number): Head {
    const size = sizeOfHlc(timestamp);
    const last = this.#head;
    if (last?.timestampBytes === size && last.moreBytes === moreBytes && last.nodeId === timestamp.nodeId)
      return last;
    const bytes = this.#fixed.length + this.#timestampName.length + 2 + size;
    const writer = new PublishWriter(this.#topic, 1, bytes + moreBytes, 0);
    writer.append(this.#fixed);
    const correlationEnd = writer.at;
    writer.append(this.#timestampName);
    writer.at = writeUInt16(writer.packet, size, writer.at);
    const timestampAt = writer.at;
    writer.at = writeHlc(writer.packet, timestamp, timestampAt);
    const template = new PublishTemplate(writer);
    const correlationAt = template.placeOf(correlationEnd - CORRELATION_BYTES);
    const head = { template, correlationAt, timestampAt: template.placeOf(timestampAt) };
    this.#head = { ...head, timestampBytes: size, nodeId: timestamp.nodeId, moreBytes };
    return this.#head;
  }
}

/** Message expiry interval, then a byte and two for the length of the correlation data. */
const EXPIRY_BEFORE_CORRELATION = 4 + 3;

/** The packet identifier of the request that a message may answer, see {@link isAnswer}; 0 for a message that answers none. */
export function answeredPacketId({ data, correlationStart, correlationEnd }: Message): number {
  if (correlationEnd - correlationStart !== CORRELATION_BYTES) return 0;
  return readUInt16(data, correlationStart + PACKET_ID_AT);
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
function moreProperties({
  fencingToken,
  userProperties,
}: Pick<RequestPacketParts, 'fencingToken' | 'userProperties'>): Buffer | undefined {
  if (fencingToken === undefined && !userProperties) return undefined;
  const own = fencingToken === undefined ? {} : { [FENCING_TOKEN]: fencingToken };
  const all = Object.entries({ ...own, ...userProperties });
  return Buffer.concat(
    all.flatMap(([name, values]) => [values].flat().map((one) => userPropertyBytes(name, one))),
  );
}

/**
 * Prepares a packet for being sent again, with the seconds that are left of its expiry. `duplicate`: whether the broker may have
 * it already (MQTT 5 section 3.3.1.1).
 */
export function markRepeat({ packet, expiryAt }: RequestPacket, expiry: number, duplicate: boolean): void {
  const first = packet[0] as number;
  packet[0] = duplicate ? first | DUP : first & ~DUP;
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
