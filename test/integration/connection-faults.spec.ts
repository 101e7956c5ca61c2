/** Faults between a client and its broker, and what a program and a person notice of them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { generate, type IConnectPacket } from 'mqtt-packet';
import { Emulator } from '../../src/emulator/index';
import {
  type ConnectionState,
  diagnose,
  StateStoreClient,
  type StateStoreClientOptions,
} from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { answer, ByteBroker, MQTT5 } from '../support/byte-broker';
import { type Certificate, makeAuthority, makeCertificate } from '../support/certificates';
import { FaultProxy } from '../support/fault-proxy';

describe('A connection whose broker or network fails', () => {
  let broker: ByteBroker;
  let store: StateStoreClient;
  let directory: string;
  let authority: Certificate;
  let certificate: Certificate;
  const servers: Server[] = [];

  const listen = async (server: Server): Promise<number> => {
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const open = (options: StateStoreClientOptions) => {
    store = new StateStoreClient({ host: '127.0.0.1', ...options });
    store.open();
  };
  const state = async <Kind extends ConnectionState['kind']>(kind: Kind) => {
    while (store.state.kind !== kind) await once(store, 'state');
    return store.state as ConnectionState & { kind: Kind };
  };
  const file = (name: string, content: string | Buffer): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'connection-'));
    authority = makeAuthority('Test authority');
    certificate = makeCertificate('localhost', authority);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(() => {
    broker = new ByteBroker();
  });
  afterEach(async () => {
    await store?.close();
    for (const server of servers.splice(0)) server.close();
  });

  it('connects again within a second, however often it is cut soon after it served a request', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const proxy = await FaultProxy.start(() => emulator.port);
    open({ port: proxy.port });
    let pauseMs = 0;
    for (let cut = 0; cut < 6; cut++) {
      await store.set('k', 'v');
      proxy.cut();
      await state('disconnected');
      const since = performance.now();
      await state('connecting');
      pauseMs = performance.now() - since;
    }
    assert.ok(pauseMs < 2000, `${pauseMs} ms`);
    await store.close();
    await proxy.close();
    await emulator.close();
  }).timeout(20_000);

  for (const [how, cut] of [
    ['ended', (socket: Socket) => socket.destroy()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`comes back soon when its TLS handshake was ${how}`, async () => {
      const emulator = await Emulator.start({ port: 0, tls: certificate });
      let connections = 0;
      const balancer = createServer((client) => {
        client.on('error', () => undefined);
        // The first attempt reaches a broker that is just going away.
        if (++connections === 1) {
          client.once('data', () => cut(client));
          return;
        }
        const upstream = connect(emulator.port, '127.0.0.1').on('error', () => undefined);
        client.pipe(upstream).pipe(client);
        client.on('close', () => upstream.destroy());
      });
      open({ host: 'localhost', port: await listen(balancer), tls: { ca: authority.cert } });
      const { reason } = await state('disconnected');
      assert.deepEqual([reason.stage, reason.retry, reason.retryable], ['tls', 'soon', true]);
      assert.equal(reason.code, 'NOT_CONNECTED');
      assert.doesNotMatch(reason.message, /socket disconnected|ECONNRESET/);
      await state('connected');
      await store.close();
      await emulator.close();
    });
  }

  it('asks for the certificate of its host, as SNI, unless that is an IP address', async () => {
    const names: (string | false)[] = [];
    const server = createTlsServer(certificate, (socket) => {
      names.push(socket.servername as string | false);
      socket.on('error', () => undefined).destroy();
    });
    const port = await listen(server);
    for (const options of [
      { host: 'localhost', tls: { ca: authority.cert } },
      { host: '127.0.0.1', tls: { ca: authority.cert } },
      { host: '127.0.0.1', tls: { ca: authority.cert, servername: 'localhost' } },
    ]) {
      open({ port, ...options });
      await state('disconnected');
      await store.close();
    }
    assert.deepEqual(names, ['localhost', false, 'localhost']);
  });

  it('ends an attempt in its time while the address is looked for, and asks again', async () => {
    const port = await broker.listen();
    let asked = 0;
    const locate = () =>
      ++asked === 1 ? new Promise<never>(() => undefined) : Promise.resolve({ host: '127.0.0.1', port });
    open({ locate, connectTimeout: 100 });
    const { reason } = await state('disconnected');
    assert.match(reason.message, /^The address of the broker was not determined within 100 ms\./);
    assert.equal(reason.retry, 'soon');
    await state('connected');
    assert.equal(asked, 2);
    await store.close();
    await broker.close();
  });

  it('ends an attempt in its time while a file does not respond, names it, and goes on when it does', async () => {
    const port = await broker.listen();
    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    open({ port, username: 'u', passwordFile: fifo, connectTimeout: 1000 });
    const { reason } = await state('disconnected');
    assert.equal(
      reason.message.startsWith(`The password file ${fifo} was not read within 1000 ms`),
      true,
      reason.message,
    );
    assert.deepEqual([reason.stage, reason.retry], ['settings', 'soon']);
    const asked = broker.next('connect');
    await state('connecting');
    // A FIFO has its content once: an attempt that ends before it arrives would take it with it.
    writeFileSync(fifo, 'secret\n');
    assert.equal(String((await asked).packet.password), 'secret');
    await store.close();
    await broker.close();
  });

  it('takes a publish of QoS 2 from a subscription that an earlier client left, and answers it as MQTT 5 asks', async () => {
    broker.onSubscribe = (packet, socket) => {
      const publish = { cmd: 'publish', dup: false, retain: false, qos: 2, messageId: 9 } as const;
      socket.write(generate({ ...publish, topic: 'left/over', payload: 'x' }, MQTT5));
      broker.grant(packet, socket);
    };
    const received = broker.next('pubrec');
    open({ port: await broker.listen(), cleanStart: false });
    const { packet, socket } = await received;
    assert.equal(packet.messageId, 9);
    const completed = broker.next('pubcomp');
    socket.write(generate({ cmd: 'pubrel', messageId: 9 }, MQTT5));
    assert.equal((await completed).packet.messageId, 9);
    await state('connected');
    await store.close();
    await broker.close();
  });

  it('is not refused, but not there, when the broker ends it before its answer or is busy', async () => {
    const closing = await listen(createServer((socket) => socket.on('error', () => undefined).destroy()));
    open({ port: closing, timeout: 300 });
    await rejectsWith(store.connect(), { code: 'NOT_CONNECTED', message: /closed the connection before/ });
    await store.close();
    broker.onConnect = (_packet, socket) => {
      socket.end(generate({ cmd: 'connack', reasonCode: 0x89, sessionPresent: false }, MQTT5));
    };
    open({ port: await broker.listen(), timeout: 300 });
    await rejectsWith(store.connect(), { code: 'NOT_CONNECTED', message: /server busy \(0x89\)/ });
    await rejectsWith(store.get('k'), { code: 'NOT_CONNECTED' });
    await store.close();
    await broker.close();
  });

  it('says that it needs QoS 1 to a broker that has none, and each request fails at once', async () => {
    broker.onConnect = (_packet, socket) => {
      const properties = { maximumQoS: 0 };
      socket.write(generate({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties }, MQTT5));
    };
    open({ port: await broker.listen() });
    const { reason } = await state('disconnected');
    assert.deepEqual([reason.reason, reason.retry, reason.code], ['qosTooLow', 'slowly', 'REFUSED']);
    assert.match(reason.message, /does not support QoS 1/);
    await rejectsWith(store.get('k', { timeout: 60_000 }), { code: 'NOT_CONNECTED', message: /QoS 1/ });
    await store.close();
    await broker.close();
  });

  it('comes back when a listener throws: the error is uncaught, and the other listeners are called', async () => {
    const port = await broker.listen();
    const uncaught: unknown[] = [];
    const mocha = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    try {
      store = new StateStoreClient({ host: '127.0.0.1', port });
      store.on('state', ({ kind }) => {
        if (kind === 'disconnected' || kind === 'connecting') throw new Error(`listener at ${kind}`);
      });
      const seen: string[] = [];
      store.on('state', ({ kind }) => seen.push(kind));
      const first = broker.next('subscribe');
      store.open();
      const { socket } = await first;
      await state('connected');
      socket.destroy();
      await state('disconnected');
      await state('connected');
      assert.deepEqual(seen, ['connecting', 'connected', 'disconnected', 'connecting', 'connected']);
      assert.deepEqual(
        uncaught.map((error) => (error as Error).message),
        ['listener at connecting', 'listener at disconnected', 'listener at connecting'],
      );
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of mocha) process.on('uncaughtException', listener);
    }
    await store.close();
    await broker.close();
  });

  it('keeps the blanks of a password in a file, and takes only the end of its line away', async () => {
    const port = await broker.listen();
    for (const content of [' secret \n', ' secret \r\n', ' secret ', '\ufeff secret \n']) {
      const asked = broker.next('connect');
      open({ port, username: 'u', passwordFile: file('password', content) });
      assert.equal(String((await asked).packet.password), ' secret ');
      await state('connected');
      await store.close();
    }
    open({ port, username: 'u', passwordFile: file('password', Buffer.from('\ufeffsecret', 'utf16le')) });
    assert.match((await state('disconnected')).reason.message, /^The password file .* is not UTF-8 text\./);
    await store.close();
    await broker.close();
  });

  it('ends once, however often it is closed, and each call waits for that', async () => {
    open({ port: await broker.listen() });
    await state('connected');
    const call = store.set('k', 'v');
    const { packet, socket } = await broker.publish();
    const ends = [store.close(), store.close()];
    const left = once(socket, 'close');
    socket.write(answer(packet));
    await Promise.race(ends);
    // The other request ends with it, not two seconds later.
    const settled = Promise.all(ends).then(() => 'settled');
    assert.equal(
      await Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'waits'))]),
      'settled',
    );
    await Promise.all([left, call]);
    await broker.close();
  });

  it('repeats a subscription that the broker has no room for, within the attempt', async () => {
    let asked = 0;
    broker.onSubscribe = (packet, socket) => broker.grant(packet, socket, ++asked < 4 ? 0x97 : 1);
    let attempts = 0;
    broker.on('packet', ({ cmd }) => {
      if (cmd === 'connect') attempts++;
    });
    open({ port: await broker.listen() });
    await state('connected');
    assert.deepEqual([asked, attempts], [4, 1]);
    await store.close();
    await broker.close();
  });

  it('gives up an attempt whose subscription finds no room in its time, with the words of the broker', async () => {
    broker.onSubscribe = (packet, socket) => broker.grant(packet, socket, 0x97);
    open({ port: await broker.listen(), connectTimeout: 300 });
    const { reason } = await state('disconnected');
    assert.deepEqual([reason.reason, reason.retry], ['subscriptionFailed', 'soon']);
    assert.match(reason.message, /quota exceeded \(0x97\)/);
    await store.close();
    await broker.close();
  });

  it('has a category for the metrics of the broker, another one, or none', async () => {
    const port = await broker.listen();
    const category = async (options: StateStoreClientOptions) => {
      const asked = broker.next('connect');
      open({ port, ...options });
      const { packet } = await asked;
      await state('connected');
      await store.close();
      return (packet as IConnectPacket).properties?.userProperties?.metriccategory;
    };
    assert.equal(await category({}), 'node-red-statestore');
    assert.equal(await category({ metricCategory: 'line-1' }), 'line-1');
    assert.equal(await category({ metricCategory: '' }), undefined);
    await broker.close();
  });

  it('is ended at once by something that does not speak MQTT, in words', async () => {
    const web = createServer((socket) => {
      socket
        .on('error', () => undefined)
        .once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    open({ port: await listen(web), connectTimeout: 60_000 });
    const { reason } = await state('disconnected');
    assert.match(reason.message, /^The service at 127\.0\.0\.1:\d+ does not respond with MQTT\./);
    assert.deepEqual([reason.stage, reason.retry], ['login', 'soon']);
  });

  describe('in words', () => {
    const message = async (options: StateStoreClientOptions) => {
      open(options);
      const { reason } = await state('disconnected');
      await store.close();
      return reason.message;
    };
    const secure = async (options: object = {}) =>
      listen(
        createTlsServer({ ...certificate, ...options }, (socket) => {
          socket.on('error', () => undefined).on('data', () => socket.destroy());
        }).on('tlsClientError', () => undefined),
      );

    it('names a CA file that is not a PEM file, and says what it is', async () => {
      const pem = authority.cert;
      const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64');
      const port = await secure();
      const cases: [string, string | Buffer, RegExp][] = [
        ['DER', der, /is a binary \(DER\) file, not PEM/],
        ['UTF-16', Buffer.from(`\ufeff${pem}`, 'utf16le'), /is UTF-16 text, not PEM/],
        [
          'PKCS#7',
          '-----BEGIN PKCS7-----\nMII=\n-----END PKCS7-----\n',
          /has a PKCS7 block, but no certificate/,
        ],
        ['empty', '\n', /is empty/],
        ['a key', certificate.key, /has a PRIVATE KEY block, but no certificate/],
        ['text', 'hello\n', /is not a PEM file/],
        ['damaged', pem.replace(/\n[^\n]{10}/, '\nAAAAAAAAAA'), /has a damaged certificate/],
      ];
      for (const [name, content, words] of cases) {
        const caFile = file(`${name}.ca`, content);
        const text = await message({ host: 'localhost', port, tls: { caFile } });
        assert.ok(text.startsWith(`The CA file ${caFile} `), text);
        assert.match(text, words);
        const [failed] = (await diagnose({ host: 'localhost', port, tls: { caFile } })).results;
        assert.deepEqual([failed?.step, failed?.reason], ['settings', 'certificateUnusable']);
      }
    });

    it('names a key file that has no key, as one that is empty', async () => {
      const port = await secure();
      const certFile = file('client.crt', certificate.cert);
      const cases: [string, string, RegExp][] = [
        ['empty', '', /is empty\. Give a PEM file with a private key\./],
        ['certificate', certificate.cert, /has a CERTIFICATE block, but no private key\./],
      ];
      for (const [name, content, words] of cases) {
        const keyFile = file(`${name}.key`, content);
        const text = await message({ host: 'localhost', port, tls: { certFile, keyFile } });
        assert.ok(text.startsWith(`The client key file ${keyFile} `), text);
        assert.match(text, words);
      }
    });

    it('uses the certificates of a CA file before a damaged one, and no CA without verification', async () => {
      const emulator = await Emulator.start({ port: 0, tls: certificate });
      const { port } = emulator;
      const caFile = file(
        'half.ca',
        `${authority.cert}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
      );
      const garbage = file('garbage.ca', 'hello\n');
      for (const tls of [{ caFile }, { caFile: garbage, verify: false }, { ca: '', verify: false }]) {
        open({ host: 'localhost', port, tls });
        await state('connected');
        await store.close();
      }
      await emulator.close();
    });

    it('says that the CA file is the wrong one when there is one', async () => {
      const caFile = file('other.ca', makeAuthority('Other authority').cert);
      const text = await message({ host: 'localhost', port: await secure(), tls: { caFile } });
      assert.match(text, /is not trusted: /);
      assert.ok(
        text.includes(`The CA file ${caFile} does not fit this certificate. Give the CA that signed it.`),
        text,
      );
    });

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`says that the broker requires a client certificate, with ${maxVersion}`, async () => {
        const port = await secure({
          requestCert: true,
          rejectUnauthorized: true,
          ca: authority.cert,
          maxVersion,
        });
        const text = await message({ host: 'localhost', port, tls: { ca: authority.cert } });
        assert.match(text, /client certificate/);
        assert.doesNotMatch(text, /SSL routines|sslv3|tlsv1|turn TLS on|:error:/);
      });
    }

    it('says that there is no TLS version that both sides know', async () => {
      const port = await secure({ maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' });
      const plain = createServer((socket) => {
        // The alert "protocol version" (RFC 8446 section 6.2), as a server sends it to a client that is too old.
        socket
          .on('error', () => undefined)
          .once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 70])));
      });
      assert.ok(port);
      open({ host: 'localhost', port: await listen(plain), tls: { ca: authority.cert } });
      const { reason } = await state('disconnected');
      assert.deepEqual([reason.reason, reason.retry], ['tlsVersion', 'slowly']);
      assert.doesNotMatch(reason.message, /:error:/);
    });

    it('says nothing of switching TLS on when it is on', async () => {
      const port = await secure();
      const text = await message({ host: 'localhost', port, tls: { ca: authority.cert } });
      assert.match(text, /closed the connection before it responded/);
      assert.doesNotMatch(text, /turn TLS on/);
      const silent = createTlsServer(certificate);
      const waited = await message({
        ...{ host: 'localhost', port: await listen(silent), tls: { ca: authority.cert } },
        connectTimeout: 200,
      });
      assert.match(waited, /did not respond within 200 ms/);
      assert.doesNotMatch(waited, /turn TLS on/);
    });

    it('has the error of locate, and a port that it should not have returned', async () => {
      const failed = await message({
        locate: () => Promise.reject(new Error('no emulator could be started')),
      });
      assert.match(failed, /^The address of the broker was not determined: no emulator could be started\./);
      const wrong = await message({ locate: async () => ({ host: 'localhost', port: 99_999 }) });
      assert.match(wrong, /^The address localhost:99999 of the broker is not valid/);
    });

    it('writes an IPv6 address in brackets, and no host with a capital', async () => {
      const port = await listen(createServer((socket) => socket.on('error', () => undefined).destroy()));
      open({ host: '::1', port, timeout: 200 });
      await rejectsWith(store.get('k'), { code: 'NOT_CONNECTED', message: new RegExp(`\\[::1\\]:${port}`) });
      await store.close();
      open({ host: 'localhost', port, timeout: 200 });
      await rejectsWith(store.get('k'), { code: 'NOT_CONNECTED', message: new RegExp(` localhost:${port}`) });
    });
  });
});
