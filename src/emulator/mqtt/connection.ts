import type { Socket } from 'node:net';
import type { Joined } from '../../mqtt/joined-writes';
import { PacketSplitter, PacketTooLarge } from '../../mqtt/packet-splitter';
import { peerEndsOf } from '../../mqtt/transport';
import { PacketFault, PacketType } from '../../mqtt/wire';
import { ReasonCode } from '../../reason-codes';
import { disconnect } from './broker-packets';

/** A client for whom more bytes wait is not served until it has read: it may ask only as fast as it reads. */
const SERVE_BELOW = 2 ** 20;
/** Nor is one that has so many bytes of messages to acknowledge: what is in flight is kept until then, and {@link MAX_WAITING_BYTES} at most. */
const SERVE_BELOW_KEPT = 2 ** 23;
/** Bytes that may wait for a client that does not read, and of its packets that wait to be served. */
export const MAX_WAITING_BYTES = 2 ** 24;
/** At least so many packets of the largest size may wait. */
const MIN_WAITING_PACKETS = 4;
/** The cost of a packet beside its bytes, about. */
const HELD_BYTES = 128;
/** A client is silent for too long after so many times its keep-alive (MQTT 5 section 3.1.2.10). */
const KEEP_ALIVE_FACTOR = 1.5;

const CONNECT_BYTE = PacketType.CONNECT << 4;
const PUBACK_BYTE = PacketType.PUBACK << 4;

/** A packet: `data` from `start` to `end`. What follows the fixed header begins at `body`. */
export interface Packet {
  data: Buffer;
  start: number;
  body: number;
  end: number;
  /** Milliseconds of the monotonic clock. */
  arrivedAt: number;
}

export interface ConnectionHandlers {
  /** Throws `PacketFault` to end the connection. */
  packet(packet: Packet): void;
  closed(): void;
}

/** {@link MAX_WAITING_BYTES} of a broker with this largest packet. */
export function maxWaitingBytes(maximumPacketSize: number): number {
  return Math.max(MAX_WAITING_BYTES, MIN_WAITING_PACKETS * maximumPacketSize);
}

/** One TCP connection of a client: packets in their order, as fast as the client reads, until one is wrong. */
export class ClientConnection {
  readonly #socket: Joined;
  readonly #splitter: PacketSplitter;
  readonly #handlers: ConnectionHandlers;
  readonly #maxHeldBytes: number;
  #held: Packet[] = [];
  #heldBytes = 0;
  #owedBytes = 0;
  #keptBytes = 0;
  #arrivedAt = 0;
  #isNew = true;
  #ended = false;
  #keepAlive: NodeJS.Timeout | undefined;
  /** The version of MQTT after login. 0 before. */
  version = 0;
  /** From the client's CONNECT. */
  receiveMaximum = 0;
  maximumPacketSize = Number.POSITIVE_INFINITY;

  /** `socket` must never let a writer wait: see `joinWrites`. */
  constructor(socket: Joined, handlers: ConnectionHandlers, maximumPacketSize: number) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.#maxHeldBytes = maxWaitingBytes(maximumPacketSize);
    this.#splitter = new PacketSplitter((...packet) => this.#onPacket(...packet), maximumPacketSize);
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#serveHeld());
    socket.on('end', () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** The ends of the TCP connection as the client sees them; nothing when it is closed. */
  get clientEnds(): string | undefined {
    return peerEndsOf(this.#socket);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Sends a whole packet. */
  send(packet: Buffer): void {
    if (!this.#socket.destroyed) this.#socket.write(packet);
  }

  /** Ends the connection if nothing comes for 1.5 times so many seconds. 0: never. */
  keepAlive(seconds: number): void {
    if (seconds === 0) return;
    const silent = () => this.end(ReasonCode.KEEP_ALIVE_TIMEOUT);
    this.#keepAlive = setTimeout(silent, seconds * 1000 * KEEP_ALIVE_FACTOR).unref();
  }

  /** Counts bytes of responses that are made but not sent yet; a negative number takes them off again. */
  owe(bytes: number): void {
    this.#owedBytes += bytes;
    if (bytes < 0) this.#serveHeld();
  }

  /** So many bytes of messages are kept until the client acknowledges them. */
  keeps(bytes: number): void {
    const hasRoom = bytes < this.#keptBytes;
    this.#keptBytes = bytes;
    if (hasRoom) this.#serveHeld();
  }

  overrun(): void {
    this.end(ReasonCode.QUOTA_EXCEEDED);
  }

  /** Ends the connection; with a DISCONNECT if the client is logged in with MQTT 5. A `last` packet goes before. */
  end(reasonCode?: number, last?: Buffer): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#held = [];
    if (last) this.send(last);
    if (reasonCode !== undefined && this.version === 5) this.send(disconnect(reasonCode));
    this.#socket.end();
    // A client that does not close its side gets no further time.
    setImmediate(() => this.#socket.destroySoon());
  }

  #onClose(): void {
    this.#ended = true;
    this.#held = [];
    clearTimeout(this.#keepAlive);
    this.#handlers.closed();
  }

  #onData(chunk: Buffer): void {
    if (this.#ended) return;
    this.#arrivedAt = performance.now();
    this.#keepAlive?.refresh();
    try {
      if (this.#isNew && chunk[0] !== CONNECT_BYTE) throw new PacketFault(ReasonCode.MALFORMED_PACKET);
      this.#isNew = false;
      this.#splitter.add(chunk);
    } catch (error) {
      this.end(reasonOf(error));
    }
  }

  #onPacket(data: Buffer, start: number, body: number, end: number): void {
    if (this.#ended) return;
    const packet = { data, start, body, end, arrivedAt: this.#arrivedAt };
    // An acknowledgement makes room, so it does not wait for room.
    if ((this.#held.length === 0 && !this.#mustWait) || data[start] === PUBACK_BYTE) {
      this.#handlers.packet(packet);
      return;
    }
    this.#heldBytes += end - start + HELD_BYTES;
    if (this.#heldBytes > this.#maxHeldBytes) this.#socket.destroy();
    else this.#held.push(packet);
  }

  get #mustWait(): boolean {
    return this.#socket.writableLength + this.#owedBytes > SERVE_BELOW || this.#keptBytes > SERVE_BELOW_KEPT;
  }

  #serveHeld(): void {
    if (this.#held.length === 0) return;
    let served = 0;
    try {
      for (; served < this.#held.length && !this.#mustWait && !this.#ended; served++) {
        const packet = this.#held[served] as Packet;
        this.#heldBytes -= packet.end - packet.start + HELD_BYTES;
        this.#handlers.packet(packet);
      }
    } catch (error) {
      this.end(reasonOf(error));
    }
    this.#held.splice(0, served);
  }
}

function reasonOf(error: unknown): number {
  if (error instanceof PacketFault) return error.reasonCode;
  if (error instanceof PacketTooLarge) return ReasonCode.PACKET_TOO_LARGE;
  // A fault of the emulator costs one connection, and not the process.
  process.emitWarning(error instanceof Error ? error : String(error));
  return ReasonCode.IMPLEMENTATION_ERROR;
}
