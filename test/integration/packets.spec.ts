/** What the client does with packets that no real broker sends, or only seldom. The broker is scripted byte by byte. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { generate, type IConnackPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { StateStoreClient } from '../../src/index';

const MQTT5 = { protocolVersion: 5 };

/** Answers CONNECT and SUBSCRIBE; everything else is told as an event with the socket it came from. */
class ByteBroker extends EventEmitter<{ packet: [packet: Packet, socket: Socket] }> {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  sessionPresent = false;

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

  /** The next PUBLISH of the client. */
  async publish(): Promise<{ packet: IPublishPacket; socket: Socket }> {
    for (;;) {
      const [packet, socket] = await once(this, 'packet');
      if (packet.cmd === 'publish') return { packet, socket };
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    const reader = parser(MQTT5);
    socket.on('data', (data) => reader.parse(data));
    reader.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        const connack: IConnackPacket = {
          cmd: 'connack',
          reasonCode: 0,
          sessionPresent: this.sessionPresent,
        };
        socket.write(generate(connack, MQTT5));
      } else if (packet.cmd === 'subscribe') {
        socket.write(generate({ cmd: 'suback', messageId: packet.messageId as number, granted: [1] }, MQTT5));
      }
      this.emit('packet', packet, socket);
    });
  }
}

/** The answer OK to a request. */
function answer({ properties }: IPublishPacket): Buffer {
  return generate(
    {
      ...{ cmd: 'publish', qos: 1, dup: false, retain: false, messageId: 77 },
      topic: properties?.responseTopic as string,
      payload: '+OK\r\n',
      properties: { correlationData: properties?.correlationData as Buffer },
    },
    MQTT5,
  );
}

describe('Packets of a broker', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;

  beforeEach(async () => {
    broker = new ByteBroker();
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen() });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  it('that end a connection before PUBACK: the request is sent again, as a duplicate with its identifier, if the session was kept', async () => {
    const result = store.set('key', 'value');
    const first = await broker.publish();
    assert.equal(first.packet.dup, false);
    broker.sessionPresent = true;
    first.socket.destroy();
    const second = await broker.publish();
    assert.equal(second.packet.dup, true);
    assert.equal(second.packet.messageId, first.packet.messageId);
    assert.deepEqual(second.packet.properties, first.packet.properties);
    second.socket.write(answer(second.packet));
    assert.deepEqual(await result, { stored: true });
  });

  it('that end a connection after PUBACK: the request is not sent again, and waits for its answer', async () => {
    const result = store.set('key', 'value');
    const { packet, socket } = await broker.publish();
    socket.write(generate({ cmd: 'puback', messageId: packet.messageId as number }, MQTT5));
    broker.sessionPresent = true;
    socket.end();
    while (store.state.kind !== 'disconnected') await once(store, 'state');
    const other = store.set('other', 'value');
    const next = await broker.publish();
    assert.deepEqual([next.packet.dup, String(next.packet.payload).includes('other')], [false, true]);
    next.socket.write(Buffer.concat([answer(next.packet), answer(packet)]));
    assert.deepEqual([await result, await other], [{ stored: true }, { stored: true }]);
  });

  it('are acknowledged, each with its identifier', async () => {
    const result = store.set('key', 'value');
    const { packet, socket } = await broker.publish();
    socket.write(answer(packet));
    await result;
    for (;;) {
      const [acknowledgement] = await once(broker, 'packet');
      if (acknowledgement.cmd !== 'puback') continue;
      assert.equal(acknowledgement.messageId, 77);
      return;
    }
  });

  for (const [name, bytes] of Object.entries({
    'a property that is none': [0x30, 6, 0, 1, 0x74, 2, 0x7f, 0],
    'a topic longer than the packet': [0x30, 4, 0, 99, 0x74, 0],
    'properties longer than the packet': [0x30, 4, 0, 1, 0x74, 99],
    'a length that is none': [0x30, 0xff, 0xff, 0xff, 0xff, 1],
    'a PUBACK without an identifier': [0x40, 0],
  })) {
    it(`with ${name} end the connection, which is made again`, async () => {
      await store.connect();
      const first = store.set('key', 'value');
      const { socket } = await broker.publish();
      const reasons: string[] = [];
      store.on('state', (state) => {
        if (state.kind === 'disconnected') reasons.push(state.reason.message);
      });
      socket.write(Buffer.from(bytes));
      await assert.rejects(first, { code: 'OUTCOME_UNKNOWN' });
      assert.match(reasons[0] ?? '', /was lost: the broker sent a malformed packet/);
      const second = store.set('key', 'value');
      const { packet, socket: next } = await broker.publish();
      next.write(answer(packet));
      assert.deepEqual(await second, { stored: true });
    });
  }
});
