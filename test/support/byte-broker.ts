/** A broker that is scripted byte by byte, for what no real one does, or only seldom. */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
  parser,
} from 'mqtt-packet';

export const MQTT5 = { protocolVersion: 5 };

/** Answers CONNECT and SUBSCRIBE. Every other packet is emitted as an event with its socket. */
export class ByteBroker extends EventEmitter<{ packet: [packet: Packet, socket: Socket] }> {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  sessionPresent = false;
  /** Answers a CONNECT; replace it at any time. */
  onConnect = (_packet: IConnectPacket, socket: Socket): void => this.accept(socket);
  /** Answers a SUBSCRIBE; replace it at any time. */
  onSubscribe = (packet: ISubscribePacket, socket: Socket): void => this.grant(packet, socket);

  constructor() {
    super();
    this.#server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server.close(), 'close');
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  accept(socket: Socket): void {
    const connack: IConnackPacket = { cmd: 'connack', reasonCode: 0, sessionPresent: this.sessionPresent };
    socket.write(generate(connack, MQTT5));
  }

  /** Answers a SUBSCRIBE with this reason code (MQTT 5 section 3.9.3). */
  grant({ messageId }: ISubscribePacket, socket: Socket, code = 1): void {
    socket.write(generate({ cmd: 'suback', messageId: messageId as number, granted: [code] }, MQTT5));
  }

  /** The next packet of this kind. */
  next<Cmd extends Packet['cmd']>(cmd: Cmd): Promise<{ packet: Packet & { cmd: Cmd }; socket: Socket }> {
    return new Promise((resolve) => {
      const look = (packet: Packet, socket: Socket) => {
        if (packet.cmd !== cmd) return;
        this.off('packet', look);
        resolve({ packet: packet as Packet & { cmd: Cmd }, socket });
      };
      this.on('packet', look);
    });
  }

  /** The next PUBLISH of the client. */
  publish(): Promise<{ packet: IPublishPacket; socket: Socket }> {
    return this.next('publish');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    const reader = parser(MQTT5);
    socket.on('data', (data) => reader.parse(data));
    reader.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') this.onConnect(packet, socket);
      else if (packet.cmd === 'subscribe') this.onSubscribe(packet, socket);
      this.emit('packet', packet, socket);
    });
  }
}

type UserProperties = Record<string, string>;

/** The packet identifier of every answer. */
export const ANSWER_ID = 77;

/** The answer to a request. */
export function answer(
  { properties }: IPublishPacket,
  payload = '+OK\r\n',
  userProperties: UserProperties = { __stat: '200' },
): Buffer {
  return generate(
    {
      ...{ cmd: 'publish', qos: 1, dup: false, retain: false, messageId: ANSWER_ID },
      topic: properties?.responseTopic as string,
      payload,
      properties: { correlationData: properties?.correlationData as Buffer, userProperties },
    },
    MQTT5,
  );
}

/** A notification for an observer: the new value, or undefined for a delete. */
export function notification(clientId: string, key: string, version: string, value?: string): Buffer {
  const store = 'clients/statestore/v1/FA9AE35F-2F64-47CD-9BFF-08E2B32A0FE8';
  const set = `*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$${value?.length}\r\n${value}\r\n`;
  return generate(
    {
      ...{ cmd: 'publish', qos: 1, dup: false, retain: false, messageId: 78 },
      topic: `${store}/${hex(clientId)}/command/notify/${hex(key)}`,
      payload: value === undefined ? '*2\r\n$6\r\nNOTIFY\r\n$6\r\nDELETE\r\n' : set,
      properties: { userProperties: { __ts: version } },
    },
    MQTT5,
  );
}

/** Upper-case hexadecimal digits, as in topics. */
function hex(text: string): string {
  return Buffer.from(text).toString('hex').toUpperCase();
}
