/** An MQTT 5 client of bytes: it sends any bytes, and shows every packet that arrives. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { REQUEST_TOPIC, responseTopic } from '../../src/protocol/topics';

const MQTT5 = { protocolVersion: 5 };

export class WireClient {
  readonly socket: Socket;
  readonly packets: Packet[] = [];
  #seen = 0;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const reader = parser(MQTT5);
    reader.on('packet', (packet) => {
      this.packets.push(packet);
      this.#wake();
    });
    socket.on('data', (chunk) => reader.parse(chunk));
    socket.on('close', () => this.#wake());
    socket.on('error', () => undefined);
  }

  /** Opens the socket only. */
  static async open(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new WireClient(socket);
  }

  /** Logs in; with `sessionExpiry` seconds the session is kept, and resumed where there is one. */
  static async logIn(port: number, clientId: string, sessionExpiry = 0): Promise<WireClient> {
    const client = await WireClient.open(port);
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: sessionExpiry === 0,
      clientId,
      keepalive: 0,
      properties: { sessionExpiryInterval: sessionExpiry },
    });
    await client.next('connack');
    return client;
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, MQTT5));
  }

  async subscribe(topic: string, qos: 0 | 1 | 2 = 1): Promise<void> {
    this.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic, qos, nl: false, rap: false, rh: 0 }],
    });
    await this.next('suback');
  }

  /** The next packet of this kind; those before it are passed over. Fails when the connection ends first. */
  async next<C extends Packet['cmd']>(cmd: C): Promise<Extract<Packet, { cmd: C }>> {
    for (;;) {
      while (this.#seen < this.packets.length) {
        const packet = this.packets[this.#seen++] as Packet;
        if (packet.cmd === cmd) return packet as Extract<Packet, { cmd: C }>;
      }
      if (this.socket.closed) throw new Error(`the connection ended before a ${cmd}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Waits for the end of the connection; returns the reason code of the DISCONNECT before it, if any. */
  async ended(): Promise<number | undefined> {
    if (!this.socket.closed) await once(this.socket, 'close');
    const last = this.packets.at(-1);
    return last?.cmd === 'disconnect' ? last.reasonCode : undefined;
  }

  close(): void {
    this.socket.destroy();
  }
}

export const bulk = (...items: string[]): string =>
  `*${items.length}\r\n${items.map((one) => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`;

const number = (value: number): Buffer => {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
};

export const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
};

/** A packet of its first byte and its parts. */
export const packet = (first: number, ...parts: (Buffer | number[])[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([first]), number(body.length), body]);
};

/** Properties with the length in front. */
export const properties = (...all: Buffer[]): Buffer => {
  const bytes = Buffer.concat(all);
  return Buffer.concat([number(bytes.length), bytes]);
};

/** Properties as bytes, each of them correct alone. */
export const PROPERTY = {
  payloadFormat: Buffer.from([0x01, 0]),
  messageExpiry: Buffer.from([0x02, 0, 0, 0, 60]),
  contentType: Buffer.concat([Buffer.from([0x03]), text('x')]),
  responseTopic: (topic: string) => Buffer.concat([Buffer.from([0x08]), text(topic)]),
  correlationData: (bytes: string) => Buffer.concat([Buffer.from([0x09]), text(bytes)]),
  subscriptionIdentifier: Buffer.from([0x0b, 7]),
  sessionExpiry: Buffer.from([0x11, 0, 0, 0, 60]),
  authenticationMethod: Buffer.concat([Buffer.from([0x15]), text('x')]),
  authenticationData: Buffer.concat([Buffer.from([0x16]), text('x')]),
  requestProblem: Buffer.from([0x17, 1]),
  willDelay: Buffer.from([0x18, 0, 0, 0, 1]),
  requestResponse: Buffer.from([0x19, 1]),
  reason: Buffer.concat([Buffer.from([0x1f]), text('x')]),
  receiveMaximum: Buffer.from([0x21, 0, 9]),
  topicAliasMaximum: Buffer.from([0x22, 0, 9]),
  topicAlias: Buffer.from([0x23, 0, 1]),
  user: (name: string, value: string) => Buffer.concat([Buffer.from([0x26]), text(name), text(value)]),
  maximumPacketSize: Buffer.from([0x27, 0, 1, 0, 0]),
};

export const timestamp = (ms = Date.now(), counter = 0, node = 'wire'): Buffer =>
  PROPERTY.user('__ts', `${ms}:${counter}:${node}`);

/** A request as the SDKs send it. */
export function requestPacket(
  clientId: string,
  payload: string,
  options: { id?: number; correlation?: string; expiry?: number; more?: Buffer[] } = {},
): Buffer {
  const { id = 1, correlation = `c${id}`, expiry = 60, more = [timestamp()] } = options;
  return packet(
    0x32,
    text(REQUEST_TOPIC),
    [id >> 8, id & 0xff],
    properties(
      Buffer.from([0x02, 0, 0, expiry >> 8, expiry & 0xff]),
      PROPERTY.responseTopic(responseTopic(clientId)),
      PROPERTY.correlationData(correlation),
      ...more,
    ),
    Buffer.from(payload),
  );
}

/** A CONNECT of bytes: properties, and, with `will`, those of the will. */
export function connectPacket(clientId: string, all: Buffer[], will?: Buffer[], willTopic = 'w'): Buffer {
  return packet(
    0x10,
    text('MQTT'),
    [5, will ? 0x06 : 0x02, 0, 0],
    properties(...all),
    text(clientId),
    will ? Buffer.concat([properties(...will), text(willTopic), text('gone')]) : [],
  );
}
