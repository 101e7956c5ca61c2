import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { PacketSplitter, PacketTooLarge } from '../mqtt/packet-splitter';
import { Message } from '../mqtt/publish';
import { peerEndsOf } from '../mqtt/transport';
import { MALFORMED_PACKET, PacketFault, PacketType } from '../mqtt/wire';
import { REQUEST_TOPIC } from '../protocol/topics';
import { RequestReader, type StoreRequest } from './exchange';
import {
  checkConnect,
  checkPacket,
  checkPublish,
  IMPLEMENTATION_ERROR,
  PACKET_TOO_LARGE,
} from './packet-check';

/** A client for whom more bytes wait is not served until it has read: it may ask only as fast as it reads. */
const SERVE_BELOW = 2 ** 20;
/** Most bytes of packets that wait to be served, and what each costs beside them, about. */
const MOST_HELD = 2 ** 24;
const HELD_BYTES = 128;

const CONNECT_BYTE = PacketType.CONNECT << 4;
/** Reason code of a PUBACK or SUBACK: not accepted now, may be sent again (MQTT 5 sections 3.4.2.1 and 3.9.3). */
export const QUOTA_EXCEEDED = 0x97;

/** A packet that waits to be served. */
interface Held {
  data: Buffer;
  start: number;
  body: number;
  end: number;
  /** Milliseconds of the monotonic clock. */
  arrivedAt: number;
}

/** A request as it arrived. */
export interface ArrivedRequest extends StoreRequest {
  /** 0 for QoS 0. */
  packetId: number;
  /** Milliseconds of the monotonic clock. */
  arrivedAt: number;
}

export interface GateHandlers {
  /** Something came: the client lives. */
  heard(): void;
  /** A request. Returns whether it is done with; otherwise Aedes gets the packet, too. */
  request(request: ArrivedRequest): boolean;
  /** A PUBACK. */
  acknowledged(clientId: string, packetId: number): void;
  /** Whether a QoS 1 PUBLISH is refused with {@link QUOTA_EXCEEDED}. */
  refusesPublish(): boolean;
  /** Whether a SUBSCRIBE is. */
  refusesSubscribe(): boolean;
  /** The client breaks the protocol: disconnect it with this reason code. */
  fault(reasonCode: number): void;
}

/**
 * What stands between a client's socket and Aedes. It lets nothing through that is malformed or too large. Requests and PUBACK go
 * past Aedes, because that is where the time goes (docs/benchmarks.md). Packets take effect in the order in which they came.
 */
export class Gate extends Duplex {
  readonly #socket: Socket;
  readonly #splitter: PacketSplitter;
  readonly #requests = new RequestReader();
  readonly #handlers: GateHandlers;
  /** 0 before CONNECT. */
  #version = 0;
  #clientId = '';
  #forAedes: Buffer[] = [];
  #held: Held[] = [];
  #heldBytes = 0;
  /** Aedes is busy with a packet on which the next ones may depend: CONNECT, SUBSCRIBE, UNSUBSCRIBE. */
  #aedesWorks = false;
  #arrivedAt = 0;
  /** Nothing came yet. */
  #isNew = true;
  #refused = false;

  /** `socket` must never let who writes wait: see `joinWrites`. */
  constructor(socket: Socket, handlers: GateHandlers, largestPacket: number) {
    super({ decodeStrings: false });
    this.#socket = socket;
    this.#handlers = handlers;
    this.#splitter = new PacketSplitter((...packet) => this.#onPacket(...packet), largestPacket);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#release());
    socket.on('end', () => this.destroy());
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  /** The client is logged in, and what waited for it is sent. */
  ready(clientId: string): void {
    this.#clientId = clientId;
    this.#goOn();
  }

  /** The ends of the TCP connection as the client sees them; nothing when it is closed. */
  get clientEnds(): string | undefined {
    return peerEndsOf(this.#socket);
  }

  /** Sends a whole packet. */
  send(packet: Buffer): void {
    this.#socket.write(packet);
  }

  override read(size?: number): Buffer | null {
    if (size === 0 || this.#forAedes.length === 0) return null;
    const [first] = this.#forAedes;
    const data = this.#forAedes.length === 1 ? (first as Buffer) : Buffer.concat(this.#forAedes);
    this.#forAedes = [];
    return data;
  }

  override write(chunk: string | Uint8Array, encoding?: unknown): boolean {
    if (!this.#socket.destroyed) {
      if (typeof chunk === 'string') this.#socket.write(chunk, encoding as BufferEncoding);
      else this.#socket.write(chunk);
    }
    return true;
  }

  override cork(): void {
    // The socket joins the writes of a turn.
  }

  override uncork(): void {
    // See cork.
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#held = [];
    this.#forAedes = [];
    this.#socket.destroy();
    done(error);
  }

  #onData(chunk: Buffer): void {
    if (this.destroyed || this.#refused) return;
    this.#arrivedAt = performance.now();
    this.#handlers.heard();
    try {
      if (this.#isNew && chunk[0] !== CONNECT_BYTE) throw new PacketFault(MALFORMED_PACKET);
      this.#isNew = false;
      this.#splitter.add(chunk);
    } catch (error) {
      this.#refuse(error);
    }
    this.#wakeAedes();
  }

  #onPacket(data: Buffer, start: number, body: number, end: number): void {
    if (this.destroyed || this.#refused) return;
    if (this.#held.length === 0 && !this.#mustWait) {
      this.#take(data, start, body, end);
      return;
    }
    this.#heldBytes += end - start + HELD_BYTES;
    if (this.#heldBytes > MOST_HELD) this.destroy();
    else this.#held.push({ data, start, body, end, arrivedAt: this.#arrivedAt });
  }

  get #mustWait(): boolean {
    return this.#aedesWorks || this.#socket.writableLength > SERVE_BELOW;
  }

  #goOn(): void {
    this.#aedesWorks = false;
    this.#release();
  }

  /** Serves what waits, as far as it may go on. */
  #release(): void {
    if (this.destroyed || this.#held.length === 0) return;
    let served = 0;
    try {
      for (; served < this.#held.length && !this.#mustWait && !this.#refused; served++) {
        const { data, start, body, end, arrivedAt } = this.#held[served] as Held;
        this.#heldBytes -= end - start + HELD_BYTES;
        this.#arrivedAt = arrivedAt;
        this.#take(data, start, body, end);
      }
    } catch (error) {
      this.#refuse(error);
    }
    this.#held.splice(0, served);
    this.#wakeAedes();
  }

  #take(data: Buffer, start: number, body: number, end: number): void {
    if (this.#version === 0) {
      this.#version = checkConnect(data, start, body, end);
      this.#letAedesWork(data.subarray(start, end));
      return;
    }
    const type = (data[start] as number) >> 4;
    if (type === PacketType.PUBLISH) {
      this.#publish(data, start, body, end);
      return;
    }
    const filters = checkPacket(data, start, body, end, this.#version);
    switch (type) {
      case PacketType.PUBACK:
        this.#handlers.acknowledged(this.#clientId, data.readUInt16BE(body));
        break;
      case PacketType.SUBSCRIBE:
        if (this.#version === 5 && this.#handlers.refusesSubscribe())
          this.send(refusedSubscribe(data, body, filters));
        else this.#subscribe(data.subarray(start, end));
        break;
      case PacketType.UNSUBSCRIBE:
        this.#subscribe(data.subarray(start, end));
        break;
      default:
        this.#forAedes.push(data.subarray(start, end));
    }
  }

  #publish(data: Buffer, start: number, body: number, end: number): void {
    const message = new Message(data, start, body, end, this.#version);
    const isRequest = this.#version === 5 && message.hasTopic(REQUEST_TOPIC_BYTES);
    checkPublish(message, isRequest);
    const { qos, packetId } = message;
    if (qos === 1 && this.#version === 5 && this.#handlers.refusesPublish()) {
      this.send(refusedPublish(packetId));
      return;
    }
    if (isRequest) {
      const request = this.#requests.read(message, this.#clientId);
      if (this.#handlers.request({ ...request, packetId, arrivedAt: this.#arrivedAt })) return;
    }
    this.#forAedes.push(data.subarray(start, end));
  }

  #subscribe(packet: Buffer): void {
    this.#letAedesWork(packet);
    setImmediate(() => this.#goOn());
  }

  #letAedesWork(packet: Buffer): void {
    this.#aedesWorks = true;
    this.#forAedes.push(packet);
    this.#wakeAedes();
  }

  #wakeAedes(): void {
    if (this.#forAedes.length === 0) return;
    try {
      this.emit('readable');
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    this.#refused = true;
    this.#held = [];
    this.#handlers.fault(reasonOf(error));
  }
}

function reasonOf(error: unknown): number {
  if (error instanceof PacketFault) return error.reasonCode;
  if (error instanceof PacketTooLarge) return PACKET_TOO_LARGE;
  // A fault of ours costs one connection, and not the process.
  process.emitWarning(error instanceof Error ? error : String(error));
  return IMPLEMENTATION_ERROR;
}

const REQUEST_TOPIC_BYTES = Buffer.from(REQUEST_TOPIC);

function refusedPublish(packetId: number): Buffer {
  return Buffer.from([PacketType.PUBACK << 4, 3, packetId >> 8, packetId & 0xff, QUOTA_EXCEEDED]);
}

/** The SUBACK for a SUBSCRIBE with so many filters. */
function refusedSubscribe(data: Buffer, body: number, filters: number): Buffer {
  const head = [PacketType.SUBACK << 4, 3 + filters, data[body] as number, data[body + 1] as number, 0];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(filters, QUOTA_EXCEEDED)]);
}
