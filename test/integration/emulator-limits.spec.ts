/** What the emulator does with repeats, with clients that do not read or do not come back, and with what is too large or too late. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Emulator, type EmulatorOptions } from '../../src/emulator/index';
import { LONGEST_SESSION } from '../../src/emulator/mqtt/sessions';
import { StateStoreClient } from '../../src/index';
import { responseTopic } from '../../src/protocol/topics';
import { makeAuthority, makeCertificate } from '../support/certificates';
import { bulk, connectPacket, PROPERTY, requestPacket, WireClient } from '../support/wire-client';

describe('The emulator and', () => {
  let emulator: Emulator;
  let other: StateStoreClient;
  const open: WireClient[] = [];
  const start = async (options: EmulatorOptions = {}) => {
    emulator = await Emulator.start({ port: 0, ...options });
    other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  };
  const logIn = async (clientId: string, sessionExpiry?: number) => {
    const client = await WireClient.logIn(emulator.port, clientId, sessionExpiry);
    open.push(client);
    return client;
  };
  const asker = async (sessionExpiry?: number) => {
    const client = await logIn('wire', sessionExpiry);
    await client.subscribe(responseTopic('wire'));
    return client;
  };
  const ask = async (client: WireClient, bytes: Buffer) => {
    client.socket.write(bytes);
    const { payload, properties, messageId } = await client.next('publish');
    client.send({ cmd: 'puback', messageId: messageId as number });
    return { payload: String(payload), version: properties?.userProperties?.__ts };
  };
  const storedValue = async (key: string) => {
    const result = await other.get(key);
    return result.found ? result.value.toString() : undefined;
  };
  afterEach(async () => {
    for (const client of open.splice(0)) client.close();
    await other.close();
    await emulator.close();
  });

  describe('repeats', () => {
    const REPEATED = [
      [bulk('SET', 'k', 'mine', 'NX'), '+OK\r\n'],
      [bulk('SET', 'k', 'mine'), '+OK\r\n'],
      [bulk('DEL', 'old'), ':1\r\n'],
      [bulk('VDEL', 'old', 'v'), ':1\r\n'],
    ] as const;

    for (const [request, reply] of REPEATED) {
      const words = request.split('\r\n').filter((word) => /^[A-Za-z]/.test(word));
      it(`${words.join(' ')}: executed once, answered twice, also on the next connection`, async () => {
        await start();
        await other.set('old', 'v');
        const first = await asker(60);
        const bytes = requestPacket('wire', request);
        const answer = await ask(first, bytes);
        assert.equal(answer.payload, reply);
        await other.set('k', 'newer');
        await other.set('old', 'newer');
        assert.deepEqual(await ask(first, bytes), answer);
        first.close();
        assert.deepEqual(await ask(await logIn('wire', 60), bytes), answer);
        assert.equal(await storedValue('k'), 'newer');
        assert.equal(await storedValue('old'), 'newer');
      });
    }

    it('of another client, with other correlation data, or after the message expired are requests of their own', async () => {
      let now = Date.now();
      await start({ now: () => now });
      const client = await asker();
      const bytes = requestPacket('wire', bulk('SET', 'k', 'v', 'NX'), { expiry: 10 });
      assert.equal((await ask(client, bytes)).payload, '+OK\r\n');
      const otherwise = requestPacket('wire', bulk('SET', 'k', 'v', 'NX'), { id: 2 });
      assert.equal((await ask(client, otherwise)).payload, ':-1\r\n');
      const twin = await logIn('twin');
      await twin.subscribe(responseTopic('wire'));
      assert.equal((await ask(twin, bytes)).payload, ':-1\r\n');
      now += 10_000;
      assert.equal((await ask(client, bytes)).payload, ':-1\r\n');
    });

    it('are executed again without the option', async () => {
      await start({ recogniseRepeats: false });
      const client = await asker();
      const bytes = requestPacket('wire', bulk('SET', 'k', 'v', 'NX'));
      assert.equal((await ask(client, bytes)).payload, '+OK\r\n');
      assert.equal((await ask(client, bytes)).payload, ':-1\r\n');
    });
  });

  describe('a client that does not read', () => {
    it('is not served beyond what waits for it, and not after its message expired; others go on', async () => {
      await start();
      await other.set('large', Buffer.alloc(2 ** 20));
      const client = await asker();
      client.socket.pause();
      for (let id = 1; id <= 30; id++)
        client.socket.write(requestPacket('wire', bulk('GET', 'large'), { id }));
      client.socket.write(requestPacket('wire', bulk('SET', 'late', 'v'), { id: 31, expiry: 1 }));
      client.socket.write(requestPacket('wire', bulk('SET', 'in time', 'v'), { id: 32 }));
      const end = performance.now() + 1100;
      while (performance.now() < end) await other.set('k', 'v');
      assert.equal(await storedValue('late'), undefined);
      client.socket.resume();
      for (let i = 0; i < 31; i++) await client.next('publish');
      assert.equal(await storedValue('in time'), 'v');
      assert.equal(await storedValue('late'), undefined);
    });

    it('and observes is disconnected, and its session ends, since messages are lost', async () => {
      await start();
      const client = await asker(60);
      await ask(client, requestPacket('wire', bulk('KEYNOTIFY', 'k')));
      client.socket.pause();
      const gone = new Promise<void>((resolve) =>
        emulator.on('change', () => {
          if (emulator.clients === 1) resolve();
        }),
      );
      const writing = (async () => {
        for (;;) await other.set('k', Buffer.alloc(100_000));
      })();
      await Promise.race([gone, writing]);
      await other.close();
      await writing.catch(() => undefined);
      other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
      const back = await WireClient.open(emulator.port);
      open.push(back);
      const resume = connectPacket('wire', [PROPERTY.sessionExpiry]);
      resume[resume.indexOf('MQTT') + 5] = 0; // not a clean start
      back.socket.write(resume);
      assert.equal((await back.next('connack')).sessionPresent, false);
    });

    it('or does not acknowledge is not served beyond 8 MiB of responses, so that its session keeps them all', async () => {
      await start();
      await other.set('large', Buffer.alloc(2 ** 20));
      const client = await asker(60);
      for (let id = 1; id <= 30; id++)
        client.socket.write(requestPacket('wire', bulk('GET', 'large'), { id }));
      client.socket.write(requestPacket('wire', bulk('SET', 'late', 'v'), { id: 31 }));
      const received: number[] = [];
      const receive = async () => received.push((await client.next('publish')).messageId as number);
      for (let i = 0; i < 8; i++) await receive();
      for (let i = 0; i < 20; i++) await other.get('large');
      assert.equal(await storedValue('late'), undefined);
      for (const messageId of received.splice(0)) client.send({ cmd: 'puback', messageId });
      for (let i = 0; i < 8; i++) await receive();
      client.close();
      const back = await WireClient.open(emulator.port);
      open.push(back);
      const resume = connectPacket('wire', [PROPERTY.sessionExpiry]);
      resume[resume.indexOf('MQTT') + 5] = 0;
      back.socket.write(resume);
      assert.equal((await back.next('connack')).sessionPresent, true);
      for (let i = 0; i < 8; i++) assert.equal((await back.next('publish')).dup, true);
    });
  });

  describe('limits', () => {
    it('a packet that is too large: refused by its length, also before login', async () => {
      await start({ maximumPacketSize: 1000 });
      const stranger = await WireClient.open(emulator.port);
      open.push(stranger);
      stranger.socket.write(Buffer.from([0x10, 0xff, 0xff, 0x7f]));
      assert.equal(await stranger.ended(), undefined);
      const client = await logIn('wire');
      client.socket.write(Buffer.from([0x30, 0xff, 0xff, 0x7f]));
      assert.equal(await client.ended(), 0x95);
    });

    it('values near the largest packet of a broker with more memory are read and observed, several at a time', async () => {
      const largest = 18 * 2 ** 20;
      await start({ maximumPacketSize: largest });
      await other.connect();
      const value = Buffer.alloc(largest - 1000, 'large');
      const changes: number[] = [];
      const observation = await other.observe('large 1', (change) => {
        if (change.operation === 'set') changes.push(change.value.length);
      });
      const keys = ['large 1', 'large 2', 'large 3'];
      for (const one of await other.setMany(keys.map((key) => [key, value] as const)))
        assert.ok('stored' in one && one.stored);
      for (const one of await other.getMany(keys))
        assert.ok('found' in one && one.found && one.value.equals(value));
      assert.deepEqual(changes, [value.length]);
      await observation.close();
    });

    it('reports the largest packet, 4 MiB by default, and the session expiry that it grants', async () => {
      await start();
      const client = await WireClient.open(emulator.port);
      open.push(client);
      client.socket.write(connectPacket('l', [Buffer.from([0x11, 0xff, 0xff, 0xff, 0xff])]));
      const { properties } = await client.next('connack');
      assert.equal(properties?.maximumPacketSize, 2 ** 22);
      assert.equal(properties?.sessionExpiryInterval, LONGEST_SESSION);
    });

    it('an answer for a client that went away waits in its session, in order, until it expires', async () => {
      await start();
      const client = await asker(60);
      for (let id = 1; id <= 3; id++)
        client.socket.write(
          requestPacket('wire', bulk('SET', 'k', String(id)), { id, expiry: id === 2 ? 1 : 60 }),
        );
      for (let id = 1; id <= 3; id++) await client.next('publish');
      client.close();
      const expired = performance.now() + 1100;
      while (performance.now() < expired) await other.get('k');
      const back = await logIn('wire', 60);
      const answers = [await back.next('publish'), await back.next('publish')];
      assert.deepEqual(
        answers.map(({ properties, dup }) => [String(properties?.correlationData), dup]),
        [
          ['c1', true],
          ['c3', true],
        ],
      );
    });

    it('a session ends when its time is over', async () => {
      await start();
      const client = await asker(1);
      client.close();
      const over = performance.now() + 1200;
      while (performance.now() < over) await other.get('k');
      const back = await WireClient.open(emulator.port);
      open.push(back);
      const resume = connectPacket('wire', [PROPERTY.sessionExpiry]);
      resume[resume.indexOf('MQTT') + 5] = 0;
      back.socket.write(resume);
      assert.equal((await back.next('connack')).sessionPresent, false);
    });
  });

  it('a clock that is set back an hour: requests, keys that expire, and tokens go on', async () => {
    let now = Date.now() + 3_600_000;
    let elapsed = 0;
    await start({ now: () => now, elapsed: () => elapsed });
    const ahead = await asker();
    const at = (more: Buffer[], ...words: string[]) =>
      ask(ahead, requestPacket('wire', bulk(...words), { id: ++id, more }));
    let id = 0;
    const ts = (ms: number) => [PROPERTY.user('__ts', `${ms}:0:wire`)];
    await at(ts(now), 'SET', 'kept', 'v');
    await at(ts(now), 'SET', 'fading', 'v', 'PX', '60000');
    now -= 3_600_000;
    assert.equal((await other.set('k', 'v')).stored, true);
    assert.equal(await storedValue('kept'), 'v');
    now += 59_000;
    elapsed += 59_000;
    assert.equal((await at(ts(now), 'GET', 'fading')).payload, '$1\r\nv\r\n');
    now += 1_000;
    elapsed += 1_000;
    assert.equal((await at(ts(now), 'GET', 'fading')).payload, '$-1\r\n');
  });

  it('a key that the regular sweep finds expired, before its own timer: the change is reported', async () => {
    let ahead = 0;
    await start({ elapsed: () => performance.now() + ahead });
    await other.set('k', 'v', { expiry: 3_600_000 });
    const changed = once(emulator, 'change');
    ahead = 3_600_000;
    await changed;
    assert.equal(emulator.engine.size, 0);
  });

  it('a wall clock that is set forward: a lease is still held', async () => {
    let ahead = 0;
    await start({ now: () => Date.now() + ahead, elapsed: () => performance.now() });
    await other.set('lease', 'holder', { expiry: 30_000 });
    ahead = 45_000;
    const rival = await other.set('lease', 'rival', { condition: 'NX' });
    assert.equal(rival.stored, false);
    assert.equal(await storedValue('lease'), 'holder');
  });

  describe('back-pressure', () => {
    it('a QoS 1 PUBLISH is answered with PUBACK 0x97 for a while, and not executed', async () => {
      await start();
      const client = await asker();
      emulator.rejectPublishes({ durationMs: 60_000 });
      client.socket.write(requestPacket('wire', bulk('SET', 'k', 'v')));
      client.send({
        cmd: 'publish',
        topic: 'any',
        payload: 'p',
        qos: 1,
        messageId: 2,
        dup: false,
        retain: false,
      });
      for (const messageId of [1, 2]) {
        const puback = await client.next('puback');
        assert.deepEqual([puback.messageId, puback.reasonCode], [messageId, 0x97]);
      }
      emulator.rejectPublishes({ durationMs: 0 });
      assert.equal(
        (await ask(client, requestPacket('wire', bulk('GET', 'k'), { id: 3 }))).payload,
        '$-1\r\n',
      );
    });

    it('a share of the publishes is refused, the others are executed', async () => {
      await start();
      const client = await asker();
      emulator.rejectPublishes({ durationMs: 60_000, share: 0.5 });
      const codes = new Set<number | undefined>();
      for (let id = 1; codes.size < 2; id++) {
        client.socket.write(requestPacket('wire', bulk('DEL', 'k'), { id }));
        codes.add((await client.next('puback')).reasonCode);
      }
      assert.deepEqual([...codes].sort(), [0, 0x97]);
    });

    it('a SUBSCRIBE is answered with SUBACK 0x97 for each filter, and with a grant afterwards', async () => {
      await start();
      const client = await logIn('wire');
      const subscribe = { nl: false, rap: false, rh: 0, qos: 1 } as const;
      const subscriptions = [
        { topic: 'a', ...subscribe },
        { topic: 'b', ...subscribe },
      ];
      emulator.rejectSubscribes({ durationMs: 60_000 });
      client.send({ cmd: 'subscribe', messageId: 7, subscriptions });
      const { messageId, granted } = await client.next('suback');
      assert.deepEqual([messageId, granted], [7, [0x97, 0x97]]);
      emulator.rejectSubscribes({ durationMs: 0 });
      client.send({ cmd: 'subscribe', messageId: 8, subscriptions });
      assert.deepEqual((await client.next('suback')).granted, [1, 1]);
    });
  });

  describe('TLS', () => {
    const authority = makeAuthority('the authority');
    const server = makeCertificate('emulator', authority);
    const mine = makeCertificate('client', authority);
    const stranger = makeCertificate('client', makeAuthority('another authority'));
    const connect = (tls: object) =>
      new StateStoreClient({
        host: '127.0.0.1',
        port: emulator.port,
        tls: { ca: authority.cert, ...tls },
        timeout: 2000,
      });

    it('serves clients over TLS', async () => {
      await start({ tls: server });
      const client = connect({});
      assert.equal((await client.set('k', 'v')).stored, true);
      await client.close();
    });

    it('asks clients for a certificate of its authorities', async () => {
      await start({ tls: { ...server, ca: authority.cert } });
      const client = connect(mine);
      assert.equal((await client.set('k', 'v')).stored, true);
      await client.close();
      for (const tls of [{}, stranger]) {
        const refused = connect(tls);
        await assert.rejects(refused.connect());
        await refused.close();
      }
    });

    for (const [name, options, tls] of [
      ['TCP', {}, undefined],
      ['TLS', { tls: server }, { ca: authority.cert }],
    ] as const)
      it(`a silent connection does not delay closing (${name})`, async () => {
        await start(options);
        const silent = await WireClient.open(emulator.port);
        const closed = once(silent.socket, 'close');
        // Connections are taken in their order: that of the silent one was before.
        const client = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, ...(tls && { tls }) });
        await client.connect();
        const began = performance.now();
        await emulator.close();
        await closed;
        // Without this request it would stay open for 30 seconds, and for 120 seconds with TLS.
        assert.ok(performance.now() - began < 20_000);
        await client.close();
      });

    it('refuses to start with a key that belongs to another certificate', async () => {
      await start();
      await assert.rejects(Emulator.start({ port: 0, tls: { cert: server.cert, key: mine.key } }), /key/);
    });
  });
});
