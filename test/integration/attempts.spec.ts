/** Attempts to connect that fail, and the errors of the requests that wait for them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { generate, type ISubscribePacket } from 'mqtt-packet';
import { type ConnectionState, StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';
import { freePort } from '../support/ports';

const TAKEN_OVER = generate({ cmd: 'disconnect', reasonCode: 0x8e }, MQTT5);

describe('An attempt to connect', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  let states: ConnectionState[];

  const start = async (options: StateStoreClientOptions = {}) => {
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen(), ...options });
    states = [];
    store.on('state', (state) => states.push(state));
    store.open();
  };
  const state = async <Kind extends ConnectionState['kind']>(kind: Kind) => {
    while (store.state.kind !== kind) await once(store, 'state');
    return store.state as ConnectionState & { kind: Kind };
  };

  beforeEach(() => {
    broker = new ByteBroker();
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  it('whose subscription is never answered ends in its time, with words about the subscription, and another follows', async () => {
    let asked = 0;
    broker.onSubscribe = (packet, socket) => {
      if (++asked > 1) broker.grant(packet, socket);
    };
    await start({ connectTimeout: 200, keepAlive: 0 });
    const { reason } = await state('disconnected');
    assert.equal(reason.reason, 'subscriptionFailed');
    assert.match(
      reason.message,
      /accepted the login, but did not acknowledge the subscription within 200 ms/,
    );
    assert.doesNotMatch(reason.message, /TLS/);
    await state('connected');
  });

  it('reports a login that is never answered', async () => {
    broker.onConnect = () => undefined;
    await start({ connectTimeout: 200 });
    const { reason } = await state('disconnected');
    assert.equal(reason.reason, 'noAnswer');
    assert.match(reason.message, /but the broker did not respond within 200 ms/);
  });

  it('that hangs has its progress in the error of a request whose time is over first', async () => {
    broker.onConnect = () => undefined;
    await start();
    await once(broker, 'packet');
    const silence = /but the broker did not respond within \d+ ms\. .*if it expects TLS/;
    await rejectsWith(store.connect({ timeout: 50 }), { code: 'NOT_CONNECTED', message: silence });
    await rejectsWith(store.set('k', 'v', { timeout: 50 }), {
      code: 'NOT_CONNECTED',
      message: /but the broker did not respond within \d+ ms: key k was not set, and nothing was sent\./,
    });
    assert.equal(store.state.kind, 'connecting');
  });

  it('keeps the reason of the previous attempt for a request whose time ends during this one', async () => {
    let connects = 0;
    broker.onConnect = (_packet, socket) => {
      // The first attempt is refused, the second one hangs.
      const refusal = generate({ cmd: 'connack', reasonCode: 0x88, sessionPresent: false }, MQTT5);
      if (++connects === 1) socket.write(refusal);
    };
    await start();
    await state('disconnected');
    const during = await state('connecting');
    assert.match(during.reason?.message ?? '', /server unavailable \(0x88\)/);
    await rejectsWith(store.set('k', 'v', { timeout: 50 }), {
      code: 'NOT_CONNECTED',
      message:
        /^The broker .* refused the connection: server unavailable \(0x88\); key k was not set, and nothing was sent\./,
    });
    await rejectsWith(store.connect({ timeout: 50 }), {
      code: 'NOT_CONNECTED',
      message: /server unavailable/,
    });
  });

  it('that needs a change by a person fails every request at once, and is tried again slowly', async () => {
    broker.onSubscribe = (packet, socket) => broker.grant(packet, socket, 0x87);
    await start();
    const refusal = {
      code: 'NOT_CONNECTED',
      message:
        /refused the subscription to clients\/.*: not authorized \(0x87\); key \w+ was not set, and nothing was sent\./,
    };
    // With the timeout of ten minutes, waiting for it would end the test.
    await rejectsWith(store.set('waiting', 'v', { timeout: 600_000 }), refusal);
    assert.equal(store.state.kind, 'disconnected');
    await rejectsWith(store.set('new', 'v', { timeout: 600_000 }), refusal);
    await rejectsWith(store.connect({ timeout: 600_000 }), {
      code: 'REFUSED',
      message: /refused the subscription/,
    });
    await rejectsWith(
      store.observe('k', () => undefined),
      { code: 'NOT_CONNECTED', key: 'k', operation: 'observe', message: /refused the subscription/ },
    );
    assert.equal(states.filter(({ kind }) => kind === 'connecting').length, 1);
  });

  it('that was given up and arrives late takes over the next one: the client comes back, and does not trust the session', async () => {
    const late: Socket[] = [];
    broker.onConnect = (_packet, socket) => {
      if (late.push(socket) > 1) broker.accept(socket);
    };
    await start({ connectTimeout: 1500 });
    await state('connected');
    const call = store.set('k', 'v');
    const { socket } = await broker.publish();
    // Now the first CONNECT arrives, with Clean Start: the broker ends the live connection and forgets its session.
    broker.sessionPresent = true;
    socket.end(TAKEN_OVER);
    await rejectsWith(call, { code: 'OUTCOME_UNKNOWN' });
    await state('connected');
    const again = store.set('k', 'v');
    const { packet, socket: next } = await broker.publish();
    next.write(answer(packet));
    assert.equal((await again).stored, true);
    // Another client takes over now.
    next.end(TAKEN_OVER);
    const { reason } = await state('stopped');
    assert.equal(reason.reason, 'takenOver');
  });

  it('that was answered is no ghost: the first one to take the session over is another client', async () => {
    await start();
    const { socket } = await broker.next('subscribe');
    await state('connected');
    socket.end(TAKEN_OVER);
    assert.equal((await state('stopped')).reason.reason, 'takenOver');
  });

  it('during which the time of a write ends: it is not sent any more', async () => {
    await start();
    await state('connected');
    const call = store.set('k', 'v', { timeout: 2000 });
    const { socket } = await broker.publish();
    broker.sessionPresent = true;
    const held: (() => void)[] = [];
    broker.onSubscribe = (packet: ISubscribePacket, next) => held.push(() => broker.grant(packet, next));
    const publishes: string[] = [];
    broker.on('packet', (packet) => {
      if (packet.cmd === 'publish') publishes.push(String(packet.payload));
    });
    socket.destroy();
    await rejectsWith(call, { code: 'TIMEOUT', message: /may or may not have been applied/ });
    while (held.length === 0) await broker.next('subscribe');
    held[0]?.();
    await state('connected');
    const read = store.get('other');
    const { packet, socket: next } = await broker.publish();
    next.write(answer(packet, '$-1\r\n'));
    await read;
    assert.equal(publishes.length, 1, `only the GET was sent: ${publishes}`);
    assert.deepEqual([store.inFlight, store.waiting], [0, 0]);
  });

  it('that comes too late for what was in flight gives its places back', async () => {
    await start({ inFlightLimit: 2 });
    await state('connected');
    const calls = ['a', 'b'].map((key) => store.set(key, 'v', { timeout: 1500 }));
    const { socket } = await broker.publish();
    broker.sessionPresent = true;
    let admit: (() => void) | undefined;
    const asked = new Promise<void>((resolve) => {
      broker.onConnect = (_packet, next) => {
        admit = () => broker.accept(next);
        resolve();
      };
    });
    socket.destroy();
    await asked;
    for (const call of calls) await rejectsWith(call, { code: 'TIMEOUT' });
    admit?.();
    await state('connected');
    for (let i = 0; i < 3; i++) {
      const call = store.set('c', 'v');
      const { packet, socket: next } = await broker.publish();
      next.write(answer(packet));
      next.write(generate({ cmd: 'puback', messageId: packet.messageId as number }, MQTT5));
      assert.equal((await call).stored, true);
    }
  });

  it('is not needed for a later subscription that is never answered: the connection is given up', async () => {
    await start({ connectTimeout: 300 });
    await state('connected');
    let asked = 0;
    broker.onSubscribe = (packet, socket) => {
      if (++asked !== 1) broker.grant(packet, socket);
    };
    broker.sessionPresent = true;
    broker.on('packet', (packet, socket) => {
      if (packet.cmd !== 'publish') return;
      const isGet = String(packet.payload).includes('GET');
      socket.write(answer(packet, isGet ? '$-1\r\n' : '+OK\r\n'));
    });
    const observation = await store.observe('k', () => undefined);
    const lost = states.find(({ kind }) => kind === 'disconnected') as { reason: Error };
    assert.match(
      lost.reason.message,
      /closed by this client: the broker did not answer the subscription to clients.* within 300 ms/,
    );
    observation.end();
  });

  it('to a port without a listener has that reason in the error of every request', async () => {
    const port = await freePort();
    store = new StateStoreClient({ host: '127.0.0.1', port });
    await broker.listen();
    store.open();
    await state('disconnected');
    // The deadlines fall into the next attempts and between them.
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        rejectsWith(store.set('k', 'v', { timeout: 10 + 10 * i }), {
          code: 'NOT_CONNECTED',
          message: new RegExp(`Connection refused by 127\\.0\\.0\\.1:${port}`),
        }),
      ),
    );
  });
});
