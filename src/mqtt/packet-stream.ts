import { Duplex } from 'node:stream';
import { Arrival } from './arrival';
import type { Batch, Joined } from './joined-writes';
import type { PacketReader } from './packet-reader';
import type { PacketHandler } from './packet-splitter';
import { Message } from './publish';
import { resetTransport } from './transport';
import { malformed, PacketFault, PacketType, readUInt16 } from './wire';

const { AUTH, CONNACK, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL } = PacketType;

export interface PacketHandlers {
  /** `arrival`: of its bytes. Right until this returns. */
  message(message: Message, arrival: Arrival): void;
  /** Reason codes: MQTT 5 section 3.4.2.1. */
  puback(packetId: number, reasonCode: number): void;
}

/**
 * The byte stream between a socket and MQTT.js. MQTT.js logs in, subscribes, pings and says goodbye on it; PUBLISH and PUBACK,
 * in both directions, go past it, because that is where the time of a busy client goes (docs/dev/benchmarks.md).
 */
export class PacketStream extends Duplex {
  readonly #socket: Joined;
  readonly #reader: PacketReader;
  readonly #handlers: PacketHandlers;
  readonly #arrival = new Arrival();
  readonly #handlePacket: PacketHandler = (...packet) => this.#onPacket(...packet);
  /** PUBACK, PUBREC or PUBCOMP: they have the same form (MQTT 5 sections 3.4 to 3.7). */
  readonly #acknowledgement = Buffer.from([PUBACK << 4, 2, 0, 0]);
  /** `closed` of a TLS socket that was reset is still false when it emits `close`. */
  #isSocketClosed = false;
  /** `login` until the broker accepted it. */
  #phase: 'begin' | 'login' | 'session' = 'begin';

  /** `reader`: what the socket reads into, if it can. */
  constructor(socket: Joined, reader: PacketReader, handlers: PacketHandlers) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#reader = reader;
    this.#handlers = handlers;
    reader.onBytes = () => this.#onBytes();
    socket.on('data', (chunk) => reader.add(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      this.#isSocketClosed = true;
      this.destroy();
    });
  }

  /** Sends a whole packet, in a batch. */
  send(packet: Buffer, batch: Batch): void {
    this.#socket.writeInBatch(batch, packet);
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.#socket.write(chunk, encoding);
    done();
  }

  override _read(): void {
    // What is for MQTT.js comes seldom, and none of it is large.
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#isSocketClosed) {
      done(error);
      return;
    }
    this.#socket.once('close', () => done(error));
    // Unless the connection was closed in order, written bytes must not arrive later, after their callers had an error.
    if (this.writableFinished) this.#socket.destroy();
    else resetTransport(this.#socket);
  }

  #onBytes(): void {
    if (this.destroyed) {
      this.#reader.clear();
      return;
    }
    if (this.#phase === 'begin' && !beginsLogin(this.#reader.first)) {
      this.#fail('NOT_MQTT', 'the service does not speak MQTT');
      return;
    }
    if (this.#phase === 'begin') this.#phase = 'login';
    this.#arrival.renew();
    try {
      this.#reader.cut(this.#handlePacket);
    } catch (error) {
      if (!(error instanceof PacketFault)) throw error;
      this.#fail('MALFORMED_PACKET', 'the broker sent a malformed packet');
    }
  }

  #fail(code: string, message: string): void {
    this.destroy(Object.assign(new Error(message), { code }));
  }

  #onPacket(data: Buffer, start: number, body: number, end: number): void {
    if (this.destroyed) return;
    const type = (data[start] as number) >> 4;
    if (this.#phase === 'login') {
      if (type === CONNACK) this.#phase = 'session';
      this.#push(data, start, end);
      return;
    }
    switch (type) {
      case PUBLISH: {
        const message = new Message(data, start, body, end);
        this.#handlers.message(message, this.#arrival);
        // QoS 2 comes from a subscription that an earlier client left in the session. A second copy is handed on as any duplicate is.
        if (message.packetId > 0) this.#answer(message.qos === 2 ? PUBREC : PUBACK, message.packetId);
        break;
      }
      case PUBREL:
        if (end - body < 2) throw malformed();
        this.#answer(PUBCOMP, readUInt16(data, body));
        break;
      case PUBACK:
        if (end - body < 2) throw malformed();
        this.#handlers.puback(readUInt16(data, body), end - body > 2 ? (data[body + 2] as number) : 0);
        break;
      default:
        this.#push(data, start, end);
    }
  }

  /** MQTT.js takes a packet later, when its bytes are gone. */
  #push(data: Buffer, start: number, end: number): void {
    this.push(Buffer.from(data.subarray(start, end)));
  }

  #answer(type: number, packetId: number): void {
    // A chunk as small as this is copied at once, see joinWrites: the same one does for all.
    const packet = this.#acknowledgement;
    packet[0] = type << 4;
    packet.writeUInt16BE(packetId, 2);
    this.#socket.writeUnlessEnded(packet);
  }
}

function beginsLogin(first: number): boolean {
  const type = first >> 4;
  return type === CONNACK || type === AUTH;
}
