/** The emulator as an MQTT broker for its clients: sessions, flow control, wills, retained messages. */
import assert from 'node:assert/strict';
import { connectAsync } from 'mqtt';
import { Rules } from '../../src/emulator/access/rules';
import { Emulator, type EmulatorOptions } from '../../src/emulator/index';
import { MAX_RETAINED } from '../../src/emulator/mqtt/retained';
import { StateStoreClient } from '../../src/index';
import { REQUEST_TOPIC, responseTopic } from '../../src/protocol/topics';
import { makeAuthority, makeCertificate } from '../support/certificates';
import {
  bulk,
  connectPacket,
  PROPERTY,
  packet,
  properties,
  requestPacket,
  text,
  timestamp,
  WireClient,
} from '../support/wire-client';

describe('The broker of the emulator', () => {
  let emulator: Emulator;
  const open: WireClient[] = [];
  const start = async (options: EmulatorOptions = {}) => {
    emulator = await Emulator.start({ port: 0, ...options });
  };
  const connect = async (bytes: Buffer) => {
    const client = await WireClient.open(emulator.port);
    open.push(client);
    client.socket.write(bytes);
    return client;
  };
  const logIn = async (...parameters: Parameters<typeof connectPacket>) => {
    const client = await connect(connectPacket(...parameters));
    const connack = await client.next('connack');
    return Object.assign(client, { connack });
  };
  /** Without a clean start. */
  const resuming = (clientId: string) => {
    const bytes = connectPacket(clientId, [PROPERTY.sessionExpiry]);
    bytes[bytes.indexOf('MQTT') + 5] = 0;
    return bytes;
  };
  const publish = (client: WireClient, topic: string, payload: string, more: object = {}) =>
    client.send({
      ...{ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false },
      ...more,
    });
  const ping = async (client: WireClient) => {
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
  };
  const published = (client: WireClient) =>
    client.packets.flatMap((one) => (one.cmd === 'publish' ? [one] : []));
  afterEach(async () => {
    for (const client of open.splice(0)) client.close();
    await emulator.close();
  });

  it('sends no more unacknowledged messages than the Receive Maximum of the client, and the others afterwards in order', async () => {
    await start();
    const client = await logIn('wire', [Buffer.from([0x21, 0, 2])]);
    await client.subscribe(responseTopic('wire'));
    for (let id = 1; id <= 10; id++) client.socket.write(requestPacket('wire', bulk('GET', 'k'), { id }));
    await ping(client);
    assert.equal(published(client).length, 2);
    for (let i = 0; i < 10; i++) {
      const found = published(client)[i];
      assert.equal(String(found?.properties?.correlationData), `c${i + 1}`);
      client.send({ cmd: 'puback', messageId: found?.messageId as number });
      await ping(client);
    }
    assert.equal(published(client).length, 10);
  });

  it('hands a kept session over to a new connection, also if the old one ends in the same moment', async () => {
    await start();
    const first = await connect(resuming('c'));
    await first.next('connack');
    await first.subscribe('t');
    const second = await connect(resuming('c'));
    first.close();
    assert.equal((await second.next('connack')).sessionPresent, true);
    publish(await logIn('other', []), 't', 'hello');
    assert.equal(String((await second.next('publish')).payload), 'hello');
    assert.equal(emulator.clients, 2);
  });

  it('reports to the old connection of a client that its session was taken over', async () => {
    await start();
    const first = await logIn('c', []);
    await logIn('c', []);
    assert.equal(await first.ended(), 0x8e);
    assert.equal(emulator.clients, 1);
  });

  it('keeps the new session if two logins of one client happen at the same moment', async () => {
    await start();
    const clients = await Promise.all(Array.from({ length: 5 }, () => WireClient.open(emulator.port)));
    open.push(...clients);
    for (const client of clients) client.socket.write(resuming('c'));
    for (const client of clients) await client.next('connack');
    const living = clients.find(({ packets }) =>
      packets.every(({ cmd }) => cmd !== 'disconnect'),
    ) as WireClient;
    await living.subscribe('t');
    living.close();
    await Promise.all(clients.map((client) => client.ended()));
    const back = await connect(resuming('c'));
    assert.equal((await back.next('connack')).sessionPresent, true);
  });

  it('has a kept session present also if it has no subscription', async () => {
    await start();
    const first = await connect(resuming('c'));
    assert.equal((await first.next('connack')).sessionPresent, false);
    first.close();
    const second = await connect(resuming('c'));
    assert.equal((await second.next('connack')).sessionPresent, true);
  });

  it('says its limits in CONNACK: QoS 1, no shared subscriptions, the largest packet', async () => {
    await start({ maximumPacketSize: 5000, receiveMaximum: 7 });
    const { connack } = await logIn('', []);
    const found = connack.properties;
    assert.deepEqual([found?.maximumQoS, found?.sharedSubscriptionAvailable], [1, false]);
    assert.deepEqual([found?.maximumPacketSize, found?.receiveMaximum], [5000, 7]);
    assert.match(found?.assignedClientIdentifier ?? '', /^auto-/);
  });

  it('refuses QoS 2, shared subscriptions and login with an authentication method', async () => {
    await start();
    const client = await logIn('c', []);
    client.send({
      ...{ cmd: 'subscribe', messageId: 1 },
      subscriptions: ['t', '$share/g/t'].map((topic) => ({ topic, qos: 2, nl: false, rap: false, rh: 0 })),
    });
    assert.deepEqual((await client.next('suback')).granted, [1, 0x9e]);
    client.socket.write(packet(0x34, text('t'), [0, 1], properties()));
    assert.equal(await client.ended(), 0x9b);
    assert.equal((await logIn('d', [PROPERTY.authenticationMethod])).connack.reasonCode, 0x8c);
    assert.equal((await logIn('e', [], [], 'w')).connack.reasonCode, 0);
  });

  it('forwards messages with their properties, by the highest QoS of the subscriptions, once', async () => {
    await start();
    const reader = await logIn('reader', []);
    reader.socket.write(packet(0x82, [0, 1], properties(Buffer.from([0x0b, 5])), text('a/#'), [0]));
    reader.socket.write(packet(0x82, [0, 2], properties(Buffer.from([0x0b, 9])), text('a/+'), [1]));
    await reader.next('suback');
    await reader.next('suback');
    const writer = await logIn('writer', []);
    writer.socket.write(
      packet(
        0x32,
        text('a/b'),
        [0, 1],
        properties(
          PROPERTY.contentType,
          PROPERTY.messageExpiry,
          PROPERTY.user('x', 'y'),
          PROPERTY.correlationData('c'),
        ),
        Buffer.from('v'),
      ),
    );
    const { qos, payload, properties: found } = await reader.next('publish');
    assert.deepEqual([qos, String(payload)], [1, 'v']);
    assert.deepEqual([found?.subscriptionIdentifier].flat().sort(), [5, 9]);
    assert.deepEqual({ ...found?.userProperties }, { x: 'y' });
    assert.ok((found?.messageExpiryInterval ?? 0) <= 60 && (found?.messageExpiryInterval ?? 0) > 50);
    await ping(reader);
    assert.equal(published(reader).length, 1);
  });

  it('does not send a client its own messages if it says so', async () => {
    await start();
    const client = await logIn('c', []);
    client.send({
      ...{ cmd: 'subscribe', messageId: 1 },
      subscriptions: [{ topic: 't', qos: 1, nl: true, rap: false, rh: 0 }],
    });
    await client.next('suback');
    publish(client, 't', 'mine');
    publish(await logIn('other', []), 't', 'theirs');
    assert.equal(String((await client.next('publish')).payload), 'theirs');
  });

  it('keeps retained messages, a bounded number of them, until an empty one comes', async () => {
    await start();
    const writer = await logIn('writer', []);
    for (let i = 0; i <= MAX_RETAINED; i++)
      publish(writer, `r/${i}`, 'v', { retain: true, messageId: i + 1 });
    for (let i = 0; i <= MAX_RETAINED; i++) {
      const { reasonCode } = await writer.next('puback');
      assert.equal(reasonCode ?? 0, i < MAX_RETAINED ? 0 : 0x97);
    }
    publish(writer, 'r/1', '', { retain: true });
    await writer.next('puback');
    const reader = await logIn('reader', []);
    await reader.subscribe('r/0');
    const { retain, payload } = await reader.next('publish');
    assert.deepEqual([retain, String(payload)], [true, 'v']);
    await reader.subscribe('r/1');
    await ping(reader);
    assert.equal(published(reader).length, 1);
  });

  for (const [name, end, expected] of [
    ['whose connection is lost', (client: WireClient) => client.close(), true],
    [
      'that says DISCONNECT with a will',
      (client: WireClient) => client.send({ cmd: 'disconnect', reasonCode: 4 }),
      true,
    ],
    ['that says DISCONNECT', (client: WireClient) => client.send({ cmd: 'disconnect' }), false],
  ] as const) {
    it(`publishes ${expected ? 'the will' : 'no will'} of a client ${name}`, async () => {
      await start();
      const reader = await logIn('reader', []);
      await reader.subscribe('w');
      const mortal = await logIn('mortal', [], [], 'w');
      end(mortal);
      await mortal.ended();
      if (expected) assert.equal(String((await reader.next('publish')).payload), 'gone');
      else {
        await ping(reader);
        assert.equal(published(reader).length, 0);
      }
    });
  }

  it('publishes no will of a client that comes back within the delay of its will', async () => {
    await start();
    const reader = await logIn('reader', []);
    await reader.subscribe('w');
    const mortal = await logIn('mortal', [PROPERTY.sessionExpiry], [PROPERTY.willDelay]);
    mortal.close();
    await mortal.ended();
    const back = await connect(resuming('mortal'));
    await back.next('connack');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    await ping(reader);
    assert.equal(published(reader).length, 0);
  });

  it('serves clients of MQTT 3.1.1', async () => {
    await start();
    const old = await connectAsync({ port: emulator.port, protocolVersion: 4, clientId: 'old' });
    const [granted] = await old.subscribeAsync('t', { qos: 1 });
    assert.equal(granted?.qos, 1);
    const message = new Promise<Buffer>((resolve) =>
      old.once('message', (_topic, payload) => resolve(payload)),
    );
    publish(await logIn('writer', []), 't', 'hello');
    assert.equal(String(await message), 'hello');
    await old.publishAsync('t', 'own', { qos: 1 });
    await old.unsubscribeAsync('t');
    await old.endAsync();
  });

  it('has its port also after it was closed', async () => {
    await start();
    const { port } = emulator;
    assert.ok(port > 0);
    await emulator.close();
    assert.equal(emulator.port, port);
  });

  it('ends a client that is silent for more than 1.5 times its keep-alive', async () => {
    await start();
    const client = await connect(packet(0x10, text('MQTT'), [5, 2, 0, 1], properties(), text('c')));
    const begin = performance.now();
    assert.equal(await client.ended(), 0x8d);
    assert.ok(performance.now() - begin > 1400);
  });

  it('takes the common name of a client certificate as the username for rules', async () => {
    const authority = makeAuthority('the authority');
    const rules = Rules.parse(`users: [{ username: other, password: x }]
spec:
  authorizationPolicies:
    rules:
      - principals: { usernames: [gateway] }
        stateStoreResources: [{ method: ReadWrite, keyType: Pattern, keys: ['mine/*'] }]`);
    await start({ rules, tls: { ...makeCertificate('emulator', authority), ca: authority.cert } });
    const tls = { ca: authority.cert, ...makeCertificate('gateway', authority) };
    const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, tls, timeout: 3000 });
    assert.equal((await store.set('mine/k', 'v')).stored, true);
    await assert.rejects(store.set('k', 'v'), { code: 'NOT_AUTHORIZED' });
    await store.close();
  });

  it('answers a request that came with many others only as fast as its client acknowledges, and loses none', async () => {
    await start();
    const client = await logIn('wire', [Buffer.from([0x21, 0, 1]), PROPERTY.sessionExpiry]);
    await client.subscribe(responseTopic('wire'));
    const requests = Array.from({ length: 200 }, (_, i) =>
      packet(
        0x32,
        text(REQUEST_TOPIC),
        [0, i + 1],
        properties(
          PROPERTY.responseTopic(responseTopic('wire')),
          PROPERTY.correlationData(String(i)),
          timestamp(),
        ),
        Buffer.from(bulk('SET', `k${i}`, 'v')),
      ),
    );
    client.socket.write(Buffer.concat(requests));
    for (let i = 0; i < 200; i++) {
      const { messageId, properties: found } = await client.next('publish');
      assert.equal(String(found?.correlationData), String(i));
      client.send({ cmd: 'puback', messageId: messageId as number });
    }
    assert.equal(emulator.keys, 200);
  });
});
