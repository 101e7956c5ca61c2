/**
 * What a client puts on the wire, seen by its proxy: how often it sends something again, and whether it sends what it must not.
 * The rules follow from the order of events alone, but for the one about silence, which has much more time than it needs.
 */

import { MAX_SILENCE_MS } from '../../src/client/broker-silence';
import { PacketSplitter } from '../../src/mqtt/packet-splitter';
import { Message } from '../../src/mqtt/publish';
import { keyOf, parseCommand } from '../../src/protocol/commands';
import { REQUEST_TOPIC } from '../../src/protocol/topics';
import type { FaultProxy } from '../support/fault-proxy';

/** A SET whose value no other call writes, so that its packets can be recognised. Moments are numbers of events. */
export interface TracedCall {
  begin: number;
  /** When its caller got a result. `undefined` before. */
  ended: number | undefined;
}

interface Connection {
  /** When the client was given CONNACK. */
  loggedIn: number | undefined;
  sessionKept: boolean;
  /** Packet identifier -> key and value of what the client has no PUBACK for. */
  unacknowledged: Map<number, string>;
  /** Since when the client waits for a PUBACK and was given nothing, on the monotonic clock in milliseconds. */
  silentSince: number | undefined;
  sent: PacketSplitter;
  delivered: PacketSplitter;
}

const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const DUP = 0x08;
/** A client abandons a silent connection after five seconds. A process that is paused does not count the time. */
const SILENCE_LIMIT_MS = 3 * MAX_SILENCE_MS;

export class Wire {
  /** Packets that went out again, marked as duplicates. */
  resent = 0;
  sessionsKept = 0;
  sessionsLost = 0;
  /** What the client must not have done. */
  readonly breaches: string[] = [];

  readonly #moment: () => number;
  readonly #calls = new Map<string, TracedCall>();
  readonly #connections = new Map<number, Connection>();
  /** Correlation data of writes -> number of the connection that carried it last. */
  readonly #carried = new Map<string, number>();

  constructor(proxy: FaultProxy, moment: () => number) {
    this.#moment = moment;
    proxy.on('open', (number) => this.#connections.set(number, this.#connection(number)));
    proxy.on('close', (number) => this.#connections.delete(number));
    proxy.on('sent', (number, chunk) => this.#connections.get(number)?.sent.add(chunk));
    proxy.on('delivered', (number, chunk) => this.#connections.get(number)?.delivered.add(chunk));
  }

  begin(key: string, value: string, begin: number): void {
    this.#calls.set(`${key} ${value}`, { begin, ended: undefined });
  }

  /** The caller has its outcome. */
  end(key: string, value: string, ended: number): void {
    const call = this.#calls.get(`${key} ${value}`);
    if (call) call.ended = ended;
  }

  #connection(number: number): Connection {
    const connection: Connection = {
      ...{ loggedIn: undefined, sessionKept: false, unacknowledged: new Map(), silentSince: undefined },
      sent: new PacketSplitter((data, start, body, end) => {
        if ((data[start] as number) >> 4 === PUBLISH)
          this.#onPublish(number, connection, data, [start, body, end]);
      }),
      delivered: new PacketSplitter((data, start, body) => {
        const type = (data[start] as number) >> 4;
        if (type === PUBACK) connection.unacknowledged.delete(data.readUInt16BE(body));
        connection.silentSince = connection.unacknowledged.size > 0 ? performance.now() : undefined;
        if (type === CONNACK && data[body + 1] === 0) {
          connection.loggedIn = this.#moment();
          connection.sessionKept = ((data[body] as number) & 1) === 1;
          if (connection.sessionKept) this.sessionsKept++;
          else this.sessionsLost++;
        }
      }),
    };
    return connection;
  }

  #onPublish(
    number: number,
    connection: Connection,
    data: Buffer,
    [start, body, end]: [number, number, number],
  ): void {
    const message = new Message(data, start, body, end);
    const { topic, packetId, payload, correlationStart, correlationEnd } = message;
    const correlation = data.toString('latin1', correlationStart, correlationEnd);
    if (((data[start] as number) & DUP) !== 0) this.resent++;
    if (topic !== REQUEST_TOPIC) return;
    const command = parseCommand(payload);
    if (command.verb === 'GET' || command.verb === 'KEYNOTIFY') return;
    const what = `${keyOf(command)} ${'value' in command ? command.value : ''}`;
    const before = this.#carried.get(correlation);
    if (before !== undefined && before !== number && !connection.sessionKept) {
      this.breaches.push(`${command.verb} ${what} was sent again into a new session`);
    }
    this.#carried.set(correlation, number);

    const call = command.verb === 'SET' ? this.#calls.get(what) : undefined;
    if (!call) return;
    connection.unacknowledged.set(packetId, what);
    connection.silentSince ??= performance.now();
    const { loggedIn, silentSince } = connection;
    if (call.ended !== undefined && loggedIn !== undefined && loggedIn > call.ended) {
      this.breaches.push(`SET ${what} was sent on a connection that was made after its call had ended`);
    }
    if (performance.now() - silentSince > SILENCE_LIMIT_MS) {
      connection.silentSince = undefined;
      this.breaches.push(`SET ${what} was sent on a connection whose broker had been silent for long`);
    }
  }
}
