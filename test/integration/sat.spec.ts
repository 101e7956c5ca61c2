import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'mqtt-packet';
import { Emulator } from '../../src/emulator/index';
import { type ConnectionError, StateStoreClient } from '../../src/index';
import { TokenWatch } from '../../src/mqtt/token-watch';
import { ByteBroker, MQTT5 } from '../support/byte-broker';
import { type SatBroker, startSatBroker } from '../support/sat-broker';

describe('Kubernetes service account tokens', () => {
  let emulator: Emulator;
  let broker: SatBroker;
  let store: StateStoreClient;
  let directory: string;
  let tokenFile: string;
  let version = 0;

  /** Writes the token as the kubelet does: a new folder, and a link that is swapped. */
  const rotate = (token: string) => {
    const data = join(directory, `..${++version}`);
    mkdirSync(data);
    writeFileSync(join(data, 'token'), token);
    symlinkSync(data, join(directory, '..tmp'));
    renameSync(join(directory, '..tmp'), join(directory, '..data'));
  };
  const start = async () => {
    store = new StateStoreClient({ host: '127.0.0.1', port: broker.port, tokenFile });
    await store.connect();
  };
  const state = async (kind: string) => {
    while (store.state.kind !== kind) await once(store, 'state');
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sat-'));
    tokenFile = join(directory, 'token');
    rotate('token-1');
    symlinkSync(join('..data', 'token'), tokenFile);
    emulator = await Emulator.start({ port: 0 });
    broker = await startSatBroker(emulator.port, 'token-1');
  });
  afterEach(async () => {
    await store.close();
    await broker.close();
    await emulator.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('log in', async () => {
    await start();
    assert.equal((await store.set('k', 'v')).stored, true);
    assert.deepEqual(broker.events, ['connect good']);
  });

  it('that are wrong are refused, and a new one is tried at once', async () => {
    rotate('wrong');
    store = new StateStoreClient({ host: '127.0.0.1', port: broker.port, tokenFile });
    store.open();
    await state('disconnected');
    const { reason } = store.state as { reason: ConnectionError };
    assert.equal(reason.reason, 'notAuthorized');
    assert.match(reason.message, /not authorized \(0x87\)/);
    assert.equal(reason.message.includes('wrong'), false);
    rotate('token-1');
    await state('connected');
    assert.deepEqual(broker.events, ['connect bad', 'connect good']);
  });

  it('that rotate on disk re-authenticate the live connection, and no request is lost', async () => {
    await start();
    let running = true;
    let answered = 0;
    const flow = Promise.all(
      Array.from({ length: 20 }, async (_, worker) => {
        while (running) {
          assert.equal((await store.set(`k${worker}`, String(answered))).stored, true);
          answered++;
        }
      }),
    );
    for (const token of ['token-2', 'token-3', 'token-4']) {
      broker.token = token;
      const before = broker.events.length;
      rotate(token);
      await broker.happened('auth good', before);
    }
    running = false;
    await flow;
    assert.deepEqual(broker.events, ['connect good', 'auth good', 'auth good', 'auth good']);
    assert.equal(store.state.kind, 'connected');
    assert.ok(answered > 0);
  });

  it('are sent again later when the broker says 0x18', async () => {
    await start();
    broker.token = 'token-2';
    broker.later = 2;
    rotate('token-2');
    await broker.happened('auth good');
    assert.deepEqual(broker.events, ['connect good', 'auth later', 'auth later', 'auth good']);
    assert.equal((await store.set('k', 'v')).stored, true);
  });

  it('that are refused at re-authentication end the connection in words, and the next good one brings it back', async () => {
    await start();
    rotate('wrong');
    await state('disconnected');
    const { reason } = store.state as { reason: ConnectionError };
    assert.equal(reason.reason, 'notAuthorized');
    const waiting = store.set('k', 'v');
    rotate('token-1');
    assert.equal((await waiting).stored, true);
  });

  it('that expire close the socket: the client reconnects with the new token, and no request is lost', async () => {
    await start();
    broker.token = 'token-2';
    writeFileSync(join(directory, '..data', 'token'), 'token-2');
    const calls = Array.from({ length: 50 }, (_, i) => store.set(`k${i}`, 'v'));
    broker.expire();
    const results = await Promise.all(calls);
    assert.ok(results.every(({ stored }) => stored));
    assert.equal(broker.events.at(-1)?.endsWith('good'), true);
  });

  it('that change while the broker refuses the old one are tried soon, not slowly', async () => {
    rotate('wrong');
    store = new StateStoreClient({ host: '127.0.0.1', port: broker.port, tokenFile });
    store.on('state', ({ kind }) => {
      // The new token comes while the attempt with the old one is under way.
      if (kind === 'connecting' && broker.events.length === 0) rotate('token-1');
    });
    const begin = Date.now();
    store.open();
    await state('connected');
    assert.ok(Date.now() - begin < 5000);
  });

  it('that change while the one before logs in are sent as soon as it has', async () => {
    const slow = new ByteBroker();
    const grants: (() => void)[] = [];
    slow.onSubscribe = (packet, socket) => grants.push(() => slow.grant(packet, socket));
    store = new StateStoreClient({ host: '127.0.0.1', port: await slow.listen(), tokenFile });
    const asked = slow.next('subscribe');
    store.open();
    await asked;
    // Notices the change after the client, which watches for longer.
    const noticed = new Promise<void>((resolve) => {
      const watch = new TokenWatch(tokenFile, () => {
        watch.stop();
        resolve();
      });
    });
    rotate('token-2');
    await noticed;
    const sent = slow.next('auth');
    for (const grant of grants) grant();
    const { packet, socket } = await sent;
    assert.equal(String(packet.properties?.authenticationData), 'token-2');
    socket.write(generate({ cmd: 'auth', reasonCode: 0 }, MQTT5));
    const closed = store.close();
    await slow.close();
    await closed;
  });

  it('in an empty file are not sent', async () => {
    rotate('');
    store = new StateStoreClient({ host: '127.0.0.1', port: broker.port, tokenFile });
    store.open();
    await state('disconnected');
    assert.match((store.state as { reason: ConnectionError }).reason.message, /token file .* is empty/);
    assert.deepEqual(broker.events, []);
    rotate('token-1');
    await state('connected');
  });
});
