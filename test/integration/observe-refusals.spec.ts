/** Observing again after a reconnect, from a store that is not ready for it at once. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { generate, type IPublishPacket } from 'mqtt-packet';
import { type KeyChange, StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5, notification } from '../support/byte-broker';

const VERSION = '001700000000000:00000:store';
const NEWER = '001700000000001:00000:store';
const FUTURE =
  '-ERR the request timestamp is too far in the future; ensure that the client and broker system clocks are synchronized\r\n';

type Reply = (packet: IPublishPacket, socket: Socket) => void;

const puback =
  (reasonCode: number): Reply =>
  ({ messageId = 0 }, socket) => {
    socket.write(generate({ cmd: 'puback', messageId, reasonCode }, MQTT5));
  };

describe('A key that is observed', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  /** Instead of an answer to each of the next KEYNOTIFY. */
  let replies: Reply[];
  let live: Socket;
  let requests: EventEmitter;

  beforeEach(async () => {
    broker = new ByteBroker();
    replies = [];
    requests = new EventEmitter();
    broker.on('packet', (packet, socket) => {
      if (packet.cmd !== 'publish') return;
      live = socket;
      const payload = String(packet.payload);
      const reply = payload.includes('KEYNOTIFY') ? replies.shift() : undefined;
      if (reply) {
        reply(packet, socket);
      } else {
        puback(0)(packet, socket);
        const version = { __stat: '200', __ts: VERSION };
        socket.write(answer(packet, payload.includes('GET') ? '$-1\r\n' : '+OK\r\n', version));
      }
      requests.emit(payload.includes('STOP') ? 'STOP' : payload.includes('GET') ? 'GET' : 'KEYNOTIFY');
    });
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen() });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  const observe = async () => {
    const changes: string[] = [];
    const told = new EventEmitter();
    await store.observe('k', (change: KeyChange) => {
      changes.push(change.operation === 'set' ? change.value.toString() : 'deleted');
      told.emit('change');
    });
    return { changes, told };
  };

  it('is tried again after each reconnect, for every refusal that may pass, until the store accepts it', async () => {
    const lost: unknown[] = [];
    store.on('observationLost', (_key, error) => lost.push(error));
    const { changes, told } = await observe();
    replies = [
      puback(0x10),
      puback(0x97),
      (packet, socket) => socket.write(answer(packet, FUTURE)),
      (packet, socket) => socket.write(answer(packet, '', { __stat: '503' })),
    ];
    live.destroy();
    await once(requests, 'GET');
    assert.deepEqual([replies.length, lost], [0, []]);
    const change = once(told, 'change');
    live.write(notification(store.clientId, 'k', NEWER, 'new'));
    await change;
    assert.deepEqual(changes, ['new']);
  }).timeout(30_000);

  for (const [name, reply, code] of [
    [
      'the store',
      (packet, socket) => socket.write(answer(packet, '-ERR not authorized\r\n')),
      'NOT_AUTHORIZED',
    ],
    ['the broker', puback(0x87), 'REFUSED'],
  ] as [string, Reply, string][]) {
    it(`is lost where ${name} says that this client may not`, async () => {
      await observe();
      replies = [reply];
      const lost = once(store, 'observationLost');
      live.destroy();
      const [key, error] = await lost;
      assert.deepEqual([String(key), error.code], ['k', code]);
    });
  }

  for (const held of ['SUBSCRIBE', 'KEYNOTIFY', 'GET']) {
    it(`is given up with its signal while ${held} has no response, and the store stops if it was asked`, async () => {
      await store.connect();
      const abort = new AbortController();
      const asked = new EventEmitter();
      const ask = once(asked, 'asked');
      if (held === 'SUBSCRIBE') broker.onSubscribe = () => asked.emit('asked');
      if (held === 'KEYNOTIFY') replies = [() => asked.emit('asked')];
      if (held === 'GET') {
        replies = [
          (packet, socket) => {
            broker.removeAllListeners('packet');
            broker.on('packet', (next) => {
              if (next.cmd !== 'publish') return;
              const stop = String(next.payload).includes('STOP');
              if (stop) requests.emit('STOP');
              else asked.emit('asked');
            });
            socket.write(answer(packet));
          },
        ];
      }
      const call = store.observe('k', () => undefined, { signal: abort.signal });
      await ask;
      const stopped = held === 'SUBSCRIBE' ? undefined : once(requests, 'STOP');
      abort.abort();
      await assert.rejects(call, { name: 'AbortError' });
      await stopped;
      assert.equal(store.observed, 0);
    });
  }

  it('ends where the client is closed while it is read for the first time', async () => {
    let respond: (() => void) | undefined;
    const asked = new EventEmitter();
    const ask = once(asked, 'asked');
    replies = [
      (packet, socket) => {
        broker.removeAllListeners('packet');
        broker.on('packet', (next, there) => {
          if (next.cmd !== 'publish') return;
          respond = () => there.write(answer(next, '$-1\r\n'));
          asked.emit('asked');
        });
        socket.write(answer(packet));
      },
    ];
    const opening = store.observe('k');
    await ask;
    const closed = store.close();
    respond?.();
    const changes: KeyChange[] = [];
    for await (const change of await opening) changes.push(change);
    assert.deepEqual(changes, []);
    await closed;
  });

  it('is not waited for by a client that is closed before its subscription is answered', async () => {
    await store.connect();
    broker.onSubscribe = () => undefined;
    const asked = broker.next('subscribe');
    const call = rejectsWith(store.observe('k'), { code: 'CLOSED' });
    await asked;
    await store.close();
    await call;
  });
});
