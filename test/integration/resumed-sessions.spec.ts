/** What becomes of what was in flight: in a session that was kept, on a connection that allows less than the one before, and in one that was lost. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { generate, type IConnackPacket, type IPublishPacket } from 'mqtt-packet';
import { type ConnectionState, StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';

describe('A session', () => {
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

  const state = async <Kind extends ConnectionState['kind']>(kind: Kind) => {
    while (store.state.kind !== kind) await once(store, 'state');
    return store.state as ConnectionState & { kind: Kind };
  };
  /** Of the next connections. */
  const limits = (properties: NonNullable<IConnackPacket['properties']>) => {
    broker.sessionPresent = true;
    broker.onConnect = (_packet, socket) => {
      const { sessionPresent } = broker;
      socket.write(generate({ cmd: 'connack', reasonCode: 0, sessionPresent, properties }, MQTT5));
    };
  };
  const acknowledge = ({ messageId = 0 }: IPublishPacket, socket: Socket, reasonCode = 0) =>
    socket.write(generate({ cmd: 'puback', messageId, reasonCode }, MQTT5));
  /** All publishes until there are `count`. */
  const publishes = (count: number): Promise<Socket> =>
    new Promise((resolve) => {
      let seen = 0;
      broker.on('packet', function look(packet, socket) {
        if (packet.cmd !== 'publish' || ++seen < count) return;
        broker.off('packet', look);
        resolve(socket);
      });
    });

  it('that was kept has no more sent again at a time than the new connection takes, in order, and before anything new', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `key/${i}`);
    const sent = publishes(keys.length);
    const calls = keys.map((key) => store.set(key, 'v'));
    const socket = await sent;
    limits({ receiveMaximum: 5 });
    let open = 0;
    let most = 0;
    const order: string[] = [];
    broker.on('packet', (packet, there) => {
      if (packet.cmd !== 'publish') return;
      most = Math.max(most, ++open);
      const payload = String(packet.payload);
      const isWrite = payload.includes('SET');
      if (isWrite) order.push(/key\/\d+|new/.exec(payload)?.[0] ?? '');
      // All that came together is there before the first of it is acknowledged.
      setImmediate(() => {
        open--;
        acknowledge(packet, there);
        there.write(answer(packet, isWrite ? '+OK\r\n' : '$-1\r\n'));
      });
    });
    socket.destroy();
    await state('disconnected');
    calls.push(store.set('new', 'v'));
    for (const { stored } of await Promise.all(calls)) assert.equal(stored, true);
    assert.ok(most <= 5, `${most} at a time`);
    assert.deepEqual(order, [...keys, 'new']);
  });

  it('that was kept has nothing sent again that the new connection finds too large, and says so', async () => {
    const sent = publishes(2);
    const large = rejectsWith(store.set('large', 'v'.repeat(2000)), {
      code: 'BAD_ARGUMENT',
      message: /but the broker accepts at most 1000: key large was not set/,
    });
    const unknown = rejectsWith(store.set('large too', 'v'.repeat(2000), { repeatable: true }), {
      code: 'OUTCOME_UNKNOWN',
    });
    const socket = await sent;
    limits({ maximumPacketSize: 1000 });
    broker.on('packet', (packet, there) => {
      if (packet.cmd !== 'publish') return;
      acknowledge(packet, there);
      there.write(answer(packet, '$-1\r\n'));
    });
    socket.destroy();
    await Promise.all([large, unknown]);
  });

  for (const code of [0x81, 0x82, 0x95, 0x9c, 0x9d]) {
    it(`whose connection the broker ended with 0x${code.toString(16)} is resumed soon, and requests wait for it`, async () => {
      await store.connect();
      const sent = broker.publish();
      const call = store.get('k');
      const { socket } = await sent;
      broker.sessionPresent = true;
      broker.on('packet', (packet, there) => {
        if (packet.cmd === 'publish') there.write(answer(packet, '$-1\r\n'));
      });
      const lost = state('disconnected');
      socket.end(generate({ cmd: 'disconnect', reasonCode: code }, MQTT5));
      const { reason } = await lost;
      assert.deepEqual([reason.reason, reason.retry], ['lost', 'soon']);
      const other = store.get('other');
      assert.deepEqual([await call, await other], [{ found: false }, { found: false }]);
    });
  }

  describe('is lost: a write that may be repeated', () => {
    /** It was published, and waits to be published again on a connection that does not come about. */
    const waitsAgain = async (call: Promise<unknown>) => {
      call.catch(() => undefined);
      const { socket } = await broker.publish();
      broker.onSubscribe = () => undefined;
      const asked = broker.next('subscribe');
      socket.destroy();
      await asked;
    };

    it('is not reported as never sent when its time is over', async () => {
      const call = store.set('k', 'v', { repeatable: true, timeout: 1000 });
      await waitsAgain(call);
      await rejectsWith(call, { code: 'OUTCOME_UNKNOWN', message: /may or may not have been applied/ });
    });

    it('is not reported as never sent when the client is closed', async () => {
      const call = store.set('k', 'v', { repeatable: true });
      await waitsAgain(call);
      const closed = rejectsWith(call, { code: 'CLOSED', message: /may or may not have been applied/ });
      await store.close();
      await closed;
    });

    it('is not reported as never sent when the broker refuses the next login', async () => {
      const call = store.set('k', 'v', { repeatable: true });
      call.catch(() => undefined);
      const { socket } = await broker.publish();
      broker.onSubscribe = (packet, there) => broker.grant(packet, there, 0x87);
      socket.destroy();
      await rejectsWith(call, { code: 'OUTCOME_UNKNOWN', message: /may or may not have been applied/ });
    });
  });
});
