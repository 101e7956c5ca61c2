/** What the client does with packets that no real broker sends, or only seldom. The broker is scripted byte by byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { generate, type IPublishPacket } from 'mqtt-packet';
import { StateStoreClient } from '../../src/index';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';

describe('Packets of a broker', () => {
  let broker: ByteBroker;
  let port: number;
  let store: StateStoreClient;

  beforeEach(async () => {
    broker = new ByteBroker();
    port = await broker.listen();
    store = new StateStoreClient({ host: '127.0.0.1', port });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  /** A write under way when the connection ends; the broker keeps the session and gets the client's question what arrived. */
  const lost = async (result: Promise<unknown>) => {
    result.catch(() => undefined);
    const first = await broker.publish();
    assert.equal(first.packet.dup, false);
    broker.sessionPresent = true;
    first.socket.destroy();
    const marker = await broker.publish();
    assert.match(String(marker.packet.payload), /^\*2\r\n\$3\r\nGET\r\n\$3\r\nkey\r\n$/);
    return { first: first.packet, marker: marker.packet, socket: marker.socket };
  };

  it('that never come: a packet identifier is left to observe with, however much may be in flight', async () => {
    const most = 65_535;
    store = new StateStoreClient({
      ...{ host: '127.0.0.1', port, inFlightLimit: most, queueLimit: most, timeout: 60_000 },
    });
    await store.connect();
    for (let i = 0; i < most; i++) store.get('key').catch(() => undefined);
    assert.equal(store.inFlight + store.waiting, most);
    const subscribed = broker.next('subscribe');
    store.observe('key').catch(() => undefined);
    await subscribed;
  });

  it('that end a connection before PUBACK: a write is sent again, as a duplicate with its identifier, when it is known that it did not arrive', async () => {
    const result = store.set('key', 'value');
    const { first, marker, socket } = await lost(result);
    const again = broker.publish();
    socket.write(answer(marker, '$-1\r\n'));
    const { packet: second } = await again;
    assert.equal(second.dup, true);
    assert.equal(second.messageId, first.messageId);
    assert.deepEqual(second.properties, first.properties);
    socket.write(answer(second));
    assert.deepEqual(await result, { stored: true });
  });

  it('that end a connection before PUBACK: the answer in the session is the answer, and nothing is sent again', async () => {
    const result = store.set('key', 'value', { condition: 'NX' });
    const { first, marker, socket } = await lost(result);
    const next = broker.publish();
    socket.write(Buffer.concat([answer(first), answer(marker, '-ERR not authorized\r\n')]));
    assert.deepEqual(await result, { stored: true });
    void store.get('next').catch(() => undefined);
    const { packet } = await next;
    assert.deepEqual([packet.dup, String(packet.payload).includes('next')], [false, true]);
  });

  for (const [name, call, reply] of [
    ['SET NX', () => store.set('key', 'value', { condition: 'NX' }), ':-1\r\n'],
    ['DEL', () => store.delete('key'), ':0\r\n'],
    ['VDEL', () => store.deleteIfValue('key', 'value'), ':-1\r\n'],
    [
      'a fenced SET',
      () => store.set('key', 'value', { fencingToken: '1700000000000:0:x' }),
      '-ERR the request fencing token is a lower version than the fencing token protecting the resource\r\n',
    ],
  ] as const) {
    it(`that end a connection before PUBACK: an ambiguous answer to a repeated ${name} is not reported`, async () => {
      const result = call();
      const { marker, socket } = await lost(result);
      const again = broker.publish();
      socket.write(answer(marker, '$-1\r\n'));
      socket.write(answer((await again).packet, reply));
      await assert.rejects(result, {
        code: 'OUTCOME_UNKNOWN',
        message: /sent twice .* may belong to the second one\. It may or may not have been applied\./,
      });
    });
  }

  for (const [name, refuse] of [
    ['a status', (again) => answer(again, '', { __stat: '400' })],
    ['-ERR and a status', (again) => answer(again, '-ERR not authorized\r\n', { __stat: '403' })],
    ['a PUBACK', ({ messageId = 0 }) => generate({ cmd: 'puback', messageId, reasonCode: 0x87 }, MQTT5)],
  ] as [string, (again: IPublishPacket) => Buffer][]) {
    it(`that end a connection before PUBACK: a refusal of a repeated write with ${name} says nothing about the first`, async () => {
      const result = store.set('key', 'value');
      const { marker, socket } = await lost(result);
      const again = broker.publish();
      socket.write(answer(marker, '$-1\r\n'));
      socket.write(refuse((await again).packet));
      await assert.rejects(result, {
        code: 'OUTCOME_UNKNOWN',
        message: /sent twice .* may belong to the second one\. It may or may not have been applied\./,
      });
    });
  }

  it('that end a connection before PUBACK, of a store that does not answer any more: the outcome is unknown, and reading continues', async () => {
    const set = store.set('key', 'value', { timeout: 15_000 });
    const get = store.get('key', { timeout: 15_000 });
    const { marker, socket: resumed } = await lost(set);
    // The broker takes the barrier read, so it is not silent; the store does not answer.
    resumed.write(generate({ cmd: 'puback', messageId: marker.messageId as number }, MQTT5));
    await assert.rejects(set, { code: 'OUTCOME_UNKNOWN', message: /the store no longer responds/ });
    const { packet, socket } = await broker.publish();
    socket.write(answer(packet, '$1\r\na\r\n'));
    assert.equal((await get).found, true);
  }).timeout(30_000);

  it('that end a connection before PUBACK, then a login without CONNACK: the session may be a new one, so a write is not sent again', async () => {
    const result = store.set('key', 'value');
    result.catch(() => undefined);
    const first = await broker.publish();
    // A broker that has lost its sessions makes a new one, and its CONNACK is lost. The next CONNACK reports that session as present.
    broker.onConnect = (_packet, socket) => {
      broker.onConnect = (_again, next) => broker.accept(next);
      socket.destroy();
    };
    broker.sessionPresent = true;
    first.socket.destroy();
    await assert.rejects(result, { code: 'OUTCOME_UNKNOWN' });
    const read = store.get('key');
    const { packet, socket } = await broker.publish();
    assert.match(String(packet.payload), /GET/);
    socket.write(answer(packet, '$1\r\na\r\n'));
    assert.equal((await read).found, true);
  });

  it('that end a connection before PUBACK: a request that ends meanwhile holds nothing up', async () => {
    const abort = new AbortController();
    const set = store.set('key', 'value', { signal: abort.signal });
    const { socket } = await lost(set);
    const other = store.set('other', 'value');
    abort.abort();
    await assert.rejects(set, { name: 'AbortError' });
    const { packet } = await broker.publish();
    assert.match(String(packet.payload), /other/);
    socket.write(answer(packet));
    assert.deepEqual(await other, { stored: true });
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

  it('are never larger than MQTT allows, if the broker has no limit', async () => {
    await store.connect();
    await assert.rejects(store.set('key', Buffer.alloc(2 ** 28)), {
      code: 'BAD_ARGUMENT',
      message: /but the broker accepts at most 268435460: key key was not set/,
    });
    assert.deepEqual([store.state.kind, store.inFlight], ['connected', 0]);
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
