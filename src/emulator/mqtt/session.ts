import { DUP } from '../../mqtt/publish-writer';
import { writeUInt16 } from '../../mqtt/wire';
import { Fifo } from '../fifo';

/** Most bytes of messages that are kept for one client, and as many that wait because it does not acknowledge. */
export const MAX_STORED_BYTES = 2 ** 24;
/** Cost of a message beside its packet, about. */
const MESSAGE_BYTES = 128;

/** A PUBLISH for one client, encoded. */
export interface Outgoing {
  readonly packet: Buffer;
  /** Where the packet identifier goes; 0 for QoS 0. */
  readonly packetIdAt: number;
  /** Where the message expiry interval is; 0 if there is none. */
  readonly expiryAt: number;
  /** Milliseconds of the monotonic clock. */
  expiresAt: number;
}

/** What a session needs of the connection of its client. */
export interface SessionConnection {
  /** Messages with QoS 1 that may be in flight. */
  readonly receiveMaximum: number;
  /** Bytes of the largest packet. */
  readonly maximumPacketSize: number;
  send(packet: Buffer): void;
  /** So many bytes of messages are kept until the client acknowledges them. */
  keeps(bytes: number): void;
  /** The client takes messages more slowly than they come. */
  overrun(): void;
}

/** A message in flight. Without `message` there was no room to keep it, and it only holds its packet identifier. */
interface InFlight {
  message: Outgoing | undefined;
  /** Counts what was sent. */
  order: number;
}

export interface Subscription {
  session: Session;
  qos: number;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifier: number | undefined;
}

/** The messages for one client: in flight, as many as its Receive Maximum allows (MQTT 5 section 3.3.4), and waiting. */
export class Session {
  readonly clientId: string;
  /** By topic filter. */
  readonly subscriptions = new Map<string, Subscription>();
  /** How long it is kept without a connection, in milliseconds. 0: it ends with the connection. */
  keepMs = 0;
  /** Milliseconds of the monotonic clock. */
  endsAt = Number.POSITIVE_INFINITY;
  #connection: SessionConnection | undefined;
  /** By packet identifier. Identifiers are given out again as soon as they are free, so that there are few. */
  readonly #inFlight: (InFlight | undefined)[] = [undefined];
  readonly #freeIds: number[] = [];
  #order = 0;
  #keptBytes = 0;
  readonly #waiting = new Fifo<Outgoing>();
  #waitingBytes = 0;
  #isWhole = true;

  constructor(clientId: string) {
    this.clientId = clientId;
  }

  get connection(): SessionConnection | undefined {
    return this.#connection;
  }

  /** Whether it has every message that its client has not acknowledged. A session that lost one ends with its connection (MQTT 5 section 4.1). */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Messages that were not acknowledged. */
  get inFlight(): number {
    return this.#inFlight.length - 1 - this.#freeIds.length;
  }

  /** Sends what was not acknowledged again, in order, and then what waits. */
  attach(connection: SessionConnection): void {
    this.#connection = connection;
    this.endsAt = Number.POSITIVE_INFINITY;
    const sent = this.#inFlight.flatMap((one, id) => (one ? [{ ...one, id }] : []));
    for (const { message, id } of sent.sort((a, b) => a.order - b.order)) {
      if (!message || message.expiresAt <= performance.now()) {
        this.#release(id);
        continue;
      }
      message.packet[0] = (message.packet[0] as number) | DUP;
      this.#write(connection, message);
    }
    connection.keeps(this.#keptBytes);
    this.#flush();
  }

  detach(nowMs: number): void {
    this.#connection = undefined;
    this.#isWhole &&= this.#inFlight.every((one) => !one || one.message);
    this.endsAt = nowMs + this.keepMs;
  }

  deliver(message: Outgoing): void {
    const connection = this.#connection;
    if (message.packetIdAt === 0) {
      if (connection && message.packet.length <= connection.maximumPacketSize)
        connection.send(message.packet);
      return;
    }
    if (!this.#isWhole) return;
    if (connection && this.#waiting.size === 0 && this.inFlight < connection.receiveMaximum) {
      this.#send(connection, message);
      return;
    }
    const bytes = sizeOf(message);
    if (this.#waitingBytes + bytes > MAX_STORED_BYTES) {
      this.#isWhole = false;
      this.#waiting.keep(() => false);
      this.#waitingBytes = 0;
      connection?.overrun();
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += bytes;
  }

  /** The client has the message with this packet identifier. */
  acknowledge(packetId: number): void {
    if (!this.#inFlight[packetId]) return;
    this.#release(packetId);
    if (this.#waiting.size > 0) this.#flush();
  }

  /** Drops messages that wait and whose expiry has passed. */
  dropExpired(nowMs: number): void {
    if (this.#waiting.size === 0) return;
    this.#waiting.keep((message) => {
      if (message.expiresAt > nowMs) return true;
      this.#waitingBytes -= sizeOf(message);
      return false;
    });
  }

  #flush(): void {
    const connection = this.#connection;
    if (!connection) return;
    while (this.#waiting.size > 0 && this.inFlight < connection.receiveMaximum) {
      const message = this.#waiting.shift() as Outgoing;
      this.#waitingBytes -= sizeOf(message);
      if (message.expiresAt > performance.now()) this.#send(connection, message);
    }
  }

  #send(connection: SessionConnection, message: Outgoing): void {
    // MQTT 5 section 3.1.2.11.4: as if it had been sent.
    if (message.packet.length > connection.maximumPacketSize) return;
    const isKept = this.keepMs > 0 && this.#keptBytes + sizeOf(message) <= MAX_STORED_BYTES;
    if (isKept) this.#keptBytes += sizeOf(message);
    connection.keeps(this.#keptBytes);
    const id = this.#freeIds.pop() ?? this.#inFlight.length;
    this.#inFlight[id] = { message: isKept ? message : undefined, order: ++this.#order };
    writeUInt16(message.packet, id, message.packetIdAt);
    this.#write(connection, message);
  }

  #write(connection: SessionConnection, { packet, expiryAt, expiresAt }: Outgoing): void {
    if (expiryAt > 0) packet.writeUInt32BE(secondsUntil(expiresAt), expiryAt);
    connection.send(packet);
  }

  #release(id: number): void {
    const message = this.#inFlight[id]?.message;
    if (message) this.#keptBytes -= sizeOf(message);
    this.#inFlight[id] = undefined;
    this.#freeIds.push(id);
    if (message) this.#connection?.keeps(this.#keptBytes);
  }
}

function secondsUntil(time: number): number {
  return Math.max(1, Math.ceil((time - performance.now()) / 1000));
}

function sizeOf({ packet }: Outgoing): number {
  return packet.length + MESSAGE_BYTES;
}
