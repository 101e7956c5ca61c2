/** Reads and checks the parts of a client's packets: lengths, text, and every property by type and number (MQTT 5 section 2.2.2). */
import {
  endOfNumber,
  endOfText,
  isText,
  malformed,
  PacketFault,
  Property,
  readNumber,
  readUInt16,
  readUInt32,
} from '../../mqtt/wire';
import { ReasonCode } from '../../reason-codes';

/** The places of properties, as bits. */
export const IN_CONNECT = 1;
export const IN_WILL = 2;
export const IN_SUBSCRIBE = 8;
export const IN_ACK = 16;
export const IN_DISCONNECT = 32;
export const IN_UNSUBSCRIBE = 64;

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
export type Numbers = Map<number, number>;

/** Reads one packet: `data` from `at`, where its variable header begins, to `end`. Throws `PacketFault`. */
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
    return this.two() || fault(ReasonCode.PROTOCOL_ERROR);
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
      if (id !== Property.USER && found.has(id)) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
      const value = this.#value(known.kind);
      if (value === 0 && known.zero === false) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
      found.set(id, value);
    }
    if (this.at !== end) throw malformed();
    return found;
  }

  /** Steps over the value of a property that was read before. */
  skipValue(id: number): void {
    this.#value(PROPERTIES[id]?.kind ?? 'bytes');
  }

  /** Steps over a value; returns the number, or 1 if it is not a number. */
  #value(kind: Kind): number {
    switch (kind) {
      case 'flag': {
        const value = this.byte();
        return value > 1 ? fault(ReasonCode.PROTOCOL_ERROR) : value;
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

/** Throws `PacketFault` for a topic that no message can have. */
export function checkTopic(topic: string): void {
  if (topic === '' || /[+#\0]/.test(topic)) throw new PacketFault(ReasonCode.TOPIC_NAME_INVALID);
}

function fault(reasonCode: number): never {
  throw new PacketFault(reasonCode);
}
