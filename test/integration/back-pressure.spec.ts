/** A broker without room: it rejects publishes with PUBACK 0x97, and a person need not know. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { generate, type IPublishPacket } from 'mqtt-packet';
import { StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { type Command, keyOf, parseCommand } from '../../src/protocol/commands';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';
import { Random } from '../support/random';

const NO_ROOM = 0x97;
const OK = '+OK\r\n';

describe('A broker that rejects publishes for lack of room (0x97)', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  /** What the store executed: `verb key value`. */
  let executed: string[];
  let publishes: IPublishPacket[];
  /** Decides about each publish; the default is room for all. */
  let rejects: (command: Command) => boolean;

  const acknowledge = ({ messageId = 0 }: IPublishPacket, socket: Socket, reasonCode = 0) =>
    socket.write(generate({ cmd: 'puback', messageId, reasonCode }, MQTT5));
  const serve = (packet: IPublishPacket, socket: Socket) => {
    publishes.push(packet);
    const command = parseCommand(packet.payload as Buffer);
    if (rejects(command)) {
      acknowledge(packet, socket, NO_ROOM);
      return;
    }
    acknowledge(packet, socket);
    executed.push(text(command));
    socket.write(answer(packet, command.verb === 'GET' ? '$-1\r\n' : OK));
  };
  const text = (command: Command) =>
    `${command.verb} ${keyOf(command)}${'value' in command ? ` ${command.value}` : ''}`;
  /** Rejects the first publishes. */
  const rejectFirst = (count: number) => {
    let left = count;
    rejects = () => left-- > 0;
  };
  const start = async (options: StateStoreClientOptions = {}) => {
    store = new StateStoreClient({ host: '127.0.0.1', port: await broker.listen(), ...options });
    await store.connect();
  };

  beforeEach(() => {
    broker = new ByteBroker();
    executed = [];
    publishes = [];
    rejects = () => false;
    broker.on('packet', (packet, socket) => {
      if (packet.cmd === 'publish') serve(packet, socket);
    });
  });
  afterEach(async () => {
    const closed = store.close();
    await broker.close();
    await closed;
  });

  it('gets the requests again until it takes them, as publishes that are not duplicates', async () => {
    rejectFirst(5);
    await start();
    const [set, get] = [store.set('a', '1'), store.get('b')];
    assert.equal((await set).stored, true);
    assert.deepEqual(await get, { found: false });
    assert.deepEqual(executed.sort(), ['GET b', 'SET a 1']);
    assert.equal(publishes.length, 7);
    assert.ok(publishes.every(({ dup }) => !dup));
  });

  it('gets nothing new but what is urgent during a pause', async () => {
    rejectFirst(1);
    await start();
    const calls = [store.set('a', '1')];
    // Its answer comes after the PUBACK to the one before it.
    await store.get('x');
    calls.push(store.set('c', '1'), store.set('b', '1', { urgent: true }));
    await Promise.all(calls);
    assert.deepEqual(executed, ['GET x', 'SET b 1', 'SET a 1', 'SET c 1']);
  });

  it('ends a request at its deadline, with nothing applied', async () => {
    rejects = () => true;
    await start();
    const begin = performance.now();
    await rejectsWith(store.set('k', 'v', { timeout: 600 }), {
      code: 'REFUSED',
      reasonCode: NO_ROOM,
      applied: 'no',
      retryable: true,
      message: /^The broker has no room for more messages: .*0x97.*key k was not set within 600 ms/,
    });
    assert.ok(performance.now() - begin >= 599);
    assert.ok(publishes.length > 1);
    rejects = () => false;
    assert.equal((await store.set('k', 'v')).stored, true);
    assert.equal(store.inFlight, 0);
  });

  it('gets no request again that was aborted meanwhile', async () => {
    rejects = () => true;
    await start();
    const abort = new AbortController();
    const call = assert.rejects(store.set('k', 'v', { signal: abort.signal }), { name: 'AbortError' });
    while (publishes.length < 2) await once(broker, 'packet');
    abort.abort();
    await call;
    rejects = () => false;
    await store.get('after');
    assert.deepEqual(executed, ['GET after']);
  });

  it('that accepted a later write of the key gets the earlier one no more', async () => {
    rejects = (command) => text(command) === 'SET k 1';
    await start();
    const first = rejectsWith(store.set('k', '1'), {
      code: 'REFUSED',
      applied: 'no',
      retryable: true,
      message: /A later write of the same key was accepted/,
    });
    const second = store.set('k', '2');
    await first;
    assert.equal((await second).stored, true);
    assert.deepEqual(executed, ['SET k 2']);
  });

  it('gets everything again after a reconnect into the same session, in its order', async () => {
    rejects = () => true;
    await start();
    const calls = ['1', '2', '3'].map((value) => store.set('k', value));
    while (publishes.length < 3) await once(broker, 'packet');
    const lost = once(store, 'state');
    broker.sessionPresent = true;
    broker.cut();
    await lost;
    rejects = () => false;
    await Promise.all(calls);
    assert.deepEqual(executed, ['SET k 1', 'SET k 2', 'SET k 3']);
  });

  it('gets writes again in a new session: it had accepted none of them', async () => {
    rejects = () => true;
    await start();
    const calls = ['1', '2'].map((value) => store.set('k', value));
    while ((store.metrics.rejected.get(0x97) ?? 0) < 2) await turn();
    const lost = once(store, 'state');
    broker.cut();
    await lost;
    rejects = () => false;
    await Promise.all(calls);
    assert.deepEqual(executed, ['SET k 1', 'SET k 2']);
  });

  it('at random fails no message in time, and keeps the order of every key', async () => {
    const random = new Random(7, 'rejections');
    const end = performance.now() + 1500;
    rejects = () => performance.now() < end && random.next() < 0.3;
    await start({ inFlightLimit: 256 });
    const keys = Array.from({ length: 256 }, (_, i) => `key/${i}`);
    await Promise.all(
      keys.map(async (key) => {
        for (let i = 0; performance.now() < end; i++) await store.set(key, String(i));
      }),
    );
    const last = new Map<string, number>();
    for (const one of executed) {
      const [, key = '', value] = one.split(' ');
      assert.equal(Number(value), (last.get(key) ?? -1) + 1, one);
      last.set(key, Number(value));
    }
    assert.ok(publishes.length > executed.length, 'some were rejected');
  });

  it('at random keeps the order of keys whose writes do not wait for each other, and executes none twice', async () => {
    const random = new Random(8, 'rejections');
    let left = 700;
    rejects = () => left-- > 0 && random.next() < 0.3;
    await start({ inFlightLimit: 256 });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 700 }, (_, i) => store.set(`key/${i % 16}`, String(i))),
    );
    const last = new Map<string, number>();
    for (const one of executed) {
      const [, key = '', value] = one.split(' ');
      assert.ok(Number(value) > (last.get(key) ?? -1), one);
      last.set(key, Number(value));
    }
    for (const [i, outcome] of outcomes.entries()) {
      const wasExecuted = executed.includes(`SET key/${i % 16} ${i}`);
      assert.equal(outcome.status === 'fulfilled', wasExecuted);
      if (outcome.status === 'rejected') assert.equal(outcome.reason.applied, 'no');
    }
    const failed = outcomes.filter(({ status }) => status === 'rejected').length;
    // Only the requests that were in flight when the rejections began.
    assert.ok(failed < 256, `${failed} failed`);
  });
});
