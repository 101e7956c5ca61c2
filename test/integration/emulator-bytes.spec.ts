/** Packets for the emulator, byte by byte: with any content, the emulator continues to serve the other clients. */
import assert from 'node:assert/strict';
import type { IPublishPacket } from 'mqtt-packet';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { notificationTopic, REQUEST_TOPIC, responseTopic } from '../../src/protocol/topics';
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

const PROTOCOL_ERROR = 0x82;
const MALFORMED = 0x81;

const publish = (topic: string, ...all: Buffer[]) =>
  packet(0x32, text(topic), [0, 1], properties(...all), Buffer.from('x'));
const subscribe = (filters: string[], ...all: Buffer[]) =>
  packet(0x82, [0, 1], properties(...all), ...filters.flatMap((one) => [text(one), [1]]));

const RESPONSE = PROPERTY.responseTopic(responseTopic('wire'));
const ONCE: Record<string, Buffer> = {
  'payload format indicator': PROPERTY.payloadFormat,
  'message expiry interval': PROPERTY.messageExpiry,
  'content type': PROPERTY.contentType,
  'response topic': RESPONSE,
  'correlation data': PROPERTY.correlationData('c'),
};

/** What a client that is logged in sends, and the reason code with which it is disconnected. */
const REFUSED: Record<string, [bytes: Buffer, reasonCode: number]> = {
  ...Object.fromEntries(
    Object.entries(ONCE).flatMap(([name, one]) => [
      [`a request with its ${name} twice`, [publish(REQUEST_TOPIC, RESPONSE, one, one), PROTOCOL_ERROR]],
      [`a publish with its ${name} twice`, [publish('a/b', one, one), PROTOCOL_ERROR]],
    ]),
  ),
  'a topic alias twice': [publish('a/b', PROPERTY.topicAlias, PROPERTY.topicAlias), PROTOCOL_ERROR],
  'a property of another packet': [publish(REQUEST_TOPIC, RESPONSE, PROPERTY.sessionExpiry), MALFORMED],
  'a property nobody knows': [publish('a/b', Buffer.from([0x7f, 1])), MALFORMED],
  'a payload format indicator of 2': [publish('a/b', Buffer.from([1, 2])), PROTOCOL_ERROR],
  'an empty response topic': [publish(REQUEST_TOPIC, PROPERTY.responseTopic('')), PROTOCOL_ERROR],
  'a response topic with a wildcard': [publish(REQUEST_TOPIC, PROPERTY.responseTopic('a/+')), PROTOCOL_ERROR],
  'properties longer than the packet': [packet(0x32, text('a'), [0, 1], [120, 1, 0]), MALFORMED],
  'a topic longer than the packet': [packet(0x32, [0xff, 0xff], Buffer.from('abc')), MALFORMED],
  'an empty topic': [publish(''), 0x90],
  'a topic with a wildcard': [publish('a/#'), 0x90],
  'a topic that is not UTF-8': [
    packet(0x32, text(Buffer.from([0x61, 0xff])), [0, 1], properties()),
    MALFORMED,
  ],
  'a topic with U+0000': [publish('a\0b'), MALFORMED],
  'a user property that is not UTF-8': [
    publish(
      REQUEST_TOPIC,
      RESPONSE,
      Buffer.concat([Buffer.from([0x26]), text('__ft'), text(Buffer.from([0xc3]))]),
    ),
    MALFORMED,
  ],
  'a filter that is not UTF-8': [
    packet(0x82, [0, 1], properties(), text(Buffer.from([0xed, 0xa0, 0x80])), [1]),
    MALFORMED,
  ],
  'a topic alias, of which none is allowed': [publish('a/b', PROPERTY.topicAlias), 0x94],
  'topic alias 0': [publish('a/b', Buffer.from([0x23, 0, 0])), PROTOCOL_ERROR],
  'a subscription identifier in a publish': [publish('a/b', PROPERTY.subscriptionIdentifier), PROTOCOL_ERROR],
  'DUP with QoS 0': [packet(0x38, text('a'), properties()), MALFORMED],
  'packet identifier 0': [packet(0x32, text('a'), [0, 0], properties()), PROTOCOL_ERROR],
  'QoS 2': [packet(0x34, text(REQUEST_TOPIC), [0, 1], properties(RESPONSE)), 0x9b],
  'QoS 3': [packet(0x36, text('a'), [0, 1], properties()), MALFORMED],
  'a subscription identifier of 0': [subscribe(['a'], Buffer.from([0x0b, 0])), PROTOCOL_ERROR],
  'a subscription identifier twice': [
    subscribe(['a'], PROPERTY.subscriptionIdentifier, PROPERTY.subscriptionIdentifier),
    PROTOCOL_ERROR,
  ],
  'a SUBSCRIBE without a filter': [packet(0x82, [0, 1], properties()), MALFORMED],
  'an empty filter': [subscribe(['']), 0x8f],
  'an UNSUBSCRIBE without a filter': [packet(0xa2, [0, 1], properties()), MALFORMED],
  'a PUBACK of one byte': [packet(0x40, [1]), MALFORMED],
  'a reason twice': [packet(0x40, [0, 1, 0], properties(PROPERTY.reason, PROPERTY.reason)), PROTOCOL_ERROR],
  'a PUBREL with garbage': [packet(0x62, [0, 1, 0, 9, 9]), MALFORMED],
  'a second CONNECT': [connectPacket('wire', []), PROTOCOL_ERROR],
  'a packet of a broker': [packet(0x20, [0, 0, 0]), PROTOCOL_ERROR],
  AUTH: [packet(0xf0, [0x18, 0]), PROTOCOL_ERROR],
  'a length that is none': [Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), MALFORMED],
};

/** What a client logs in with, for which the connection just ends. */
const REFUSED_LOGIN: Record<string, Buffer> = {
  'session expiry twice': connectPacket('l', [PROPERTY.sessionExpiry, PROPERTY.sessionExpiry]),
  'receive maximum twice': connectPacket('l', [PROPERTY.receiveMaximum, PROPERTY.receiveMaximum]),
  'maximum packet size 0': connectPacket('l', [Buffer.from([0x27, 0, 0, 0, 0])]),
  'a will with a response topic twice': connectPacket('l', [], [RESPONSE, RESPONSE]),
  'a will delay twice': connectPacket('l', [], [PROPERTY.willDelay, PROPERTY.willDelay]),
  'a will topic with a wildcard': connectPacket('l', [], [], 'a/#'),
  'a will whose response topic has a wildcard': connectPacket(
    'l',
    [],
    [PROPERTY.responseTopic('a/#')],
    REQUEST_TOPIC,
  ),
  'a will with an empty response topic': connectPacket('l', [], [PROPERTY.responseTopic('')], REQUEST_TOPIC),
  'a will with the payload format 2': connectPacket('l', [], [Buffer.from([1, 2])], REQUEST_TOPIC),
  'a client ID longer than the packet': packet(0x10, text('MQTT'), [5, 2, 0, 0, 0, 9, 9], Buffer.from('x')),
  'a PUBLISH first': publish('a'),
  'no MQTT at all': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
};

/** What is unusual and right. */
const TAKEN: Record<string, Buffer[]> = {
  'topics called like what every object has': ['constructor', 'toString', 'hasOwnProperty', '__proto__'].map(
    (one) => subscribe([one]),
  ),
  'the same user property often': [
    publish('a/b', ...Array.from({ length: 50 }, () => PROPERTY.user('__proto__', 'x'))),
  ],
  'unsubscribing from what never was': [packet(0xa2, [0, 1], properties(), text('constructor'))],
  'acknowledgements of nothing': [packet(0x40, [9, 9]), packet(0x62, [9, 9]), packet(0x70, [9, 9])],
  'a request without any property': [publish(REQUEST_TOPIC)],
};

describe('The emulator, with any input', () => {
  let emulator: Emulator;
  let other: StateStoreClient;
  const open: WireClient[] = [];
  const track = async (opening: Promise<WireClient>) => {
    const client = await opening;
    open.push(client);
    return client;
  };
  const logIn = (clientId: string, sessionExpiry?: number) =>
    track(WireClient.logIn(emulator.port, clientId, sessionExpiry));

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
    await other.set('k', 'v');
  });
  afterEach(async () => {
    assert.equal((await other.get('k')).found, true);
    for (const client of open.splice(0)) client.close();
    await other.close();
    await emulator.close();
  });

  for (const [name, [bytes, reasonCode]] of Object.entries(REFUSED)) {
    it(`disconnects a client for ${name}`, async () => {
      const client = await logIn('wire');
      client.socket.write(bytes);
      assert.equal(await client.ended(), reasonCode);
    });
  }

  for (const [name, bytes] of Object.entries(REFUSED_LOGIN)) {
    it(`turns away who logs in with ${name}`, async () => {
      const client = await track(WireClient.open(emulator.port));
      client.socket.write(bytes);
      assert.equal(await client.ended(), undefined);
    });
  }

  for (const [name, all] of Object.entries(TAKEN)) {
    it(`takes ${name}`, async () => {
      const client = await logIn('wire');
      for (const bytes of all) client.socket.write(bytes);
      client.send({ cmd: 'pingreq' });
      await client.next('pingresp');
    });
  }

  for (const name of ['constructor', '__proto__', 'toString']) {
    it(`serves a client called ${name}`, async () => {
      const client = await logIn(name);
      await client.subscribe(responseTopic(name));
      client.socket.write(requestPacket(name, bulk('GET', 'k')));
      assert.equal(String((await client.next('publish')).payload), '$1\r\nv\r\n');
    });
  }

  it('refuses a request with QoS 0 and does not execute it', async () => {
    const client = await logIn('wire');
    await client.subscribe(responseTopic('wire'));
    const parts = properties(RESPONSE, PROPERTY.correlationData('c'), timestamp());
    client.socket.write(packet(0x30, text(REQUEST_TOPIC), parts, Buffer.from(bulk('DEL', 'k'))));
    const { properties: told } = await client.next('publish');
    assert.equal(String(told?.correlationData), 'c');
    assert.equal(told?.userProperties?.__stat, '400');
    assert.equal(told?.userProperties?.__stMsg, 'the request does not have QoS 1');
  });

  it('serves packets that arrive in one chunk with the login, in order', async () => {
    const client = await track(WireClient.open(emulator.port));
    const requests = Array.from({ length: 100 }, (_, i) =>
      requestPacket('eager', bulk('SET', 'e', String(i)), { id: i + 1 }),
    );
    client.socket.write(
      Buffer.concat([
        connectPacket('eager', [PROPERTY.sessionExpiry]),
        subscribe([responseTopic('eager')]),
        ...requests,
        requestPacket('eager', bulk('GET', 'e'), { id: 200 }),
      ]),
    );
    let last: IPublishPacket | undefined;
    for (let i = 0; i <= 100; i++) last = await client.next('publish');
    assert.equal(String(last?.payload), '$2\r\n99\r\n');
  });

  it('answers each request of a client where that request says', async () => {
    const client = await logIn('wire');
    await client.subscribe('answers/#');
    const topics = ['answers/a', 'answers/b', 'answers/longer', 'answers/a', 'answers/c', 'answers/c'];
    const requests = topics.map((topic, index) =>
      packet(
        0x32,
        text(REQUEST_TOPIC),
        [0, index + 1],
        properties(PROPERTY.responseTopic(topic), PROPERTY.correlationData(String(index)), timestamp()),
        Buffer.from(bulk('GET', 'k')),
      ),
    );
    client.socket.write(Buffer.concat(requests));
    const answered: string[] = [];
    for (const _ of topics) answered.push((await client.next('publish')).topic);
    assert.deepEqual(answered, topics);
  });

  it('takes a last will that is a request', async () => {
    const client = await track(WireClient.open(emulator.port));
    const will = [RESPONSE, PROPERTY.correlationData('will'), timestamp()];
    client.socket.write(
      packet(
        0x10,
        text('MQTT'),
        [5, 0x0e, 0, 0],
        properties(),
        text('mortal'),
        properties(...will),
        text(REQUEST_TOPIC),
        text(bulk('SET', 'status', 'offline')),
      ),
    );
    await client.next('connack');
    const told = new Promise((resolve) => void other.observe('status', resolve).then(() => client.close()));
    await told;
    const status = await other.get('status');
    assert.equal(status.found && status.value.toString(), 'offline');
  });

  describe('KEYNOTIFY without any subscription to notifications, as the Go SDK does it', () => {
    const key = 'watched';
    const notifications = (client: WireClient) =>
      client.packets.filter(
        (one): one is IPublishPacket =>
          one.cmd === 'publish' && one.topic === notificationTopic('go', Buffer.from(key)),
      );
    /** Sends a request and waits for its answer. */
    const ask = async (client: WireClient, id: number, ...words: string[]) => {
      client.socket.write(requestPacket('go', bulk(...words), { id }));
      for (;;) {
        const answer = await client.next('publish');
        if (answer.topic === responseTopic('go')) return String(answer.payload);
      }
    };

    for (const [name, filters, sessionExpiry] of [
      ['no subscription', [], 0],
      ['no subscription, and a kept session', [], 60],
      ['a subscription to its notifications', ['clients/statestore/#'], 0],
      [
        'two that overlap, and a kept session',
        ['clients/statestore/#', notificationTopic('go', Buffer.from(key))],
        60,
      ],
    ] as const) {
      it(`${name}: every notification once, in its place among the answers`, async () => {
        const client = await logIn('go', sessionExpiry);
        await client.subscribe(responseTopic('go'));
        for (const filter of filters) await client.subscribe(filter);
        assert.equal(await ask(client, 1, 'KEYNOTIFY', key), '+OK\r\n');
        await other.set(key, 'a');
        assert.equal(await ask(client, 2, 'SET', key, 'b'), '+OK\r\n');
        await other.delete(key);
        assert.equal(await ask(client, 3, 'KEYNOTIFY', key, 'STOP'), '+OK\r\n');
        await other.set(key, 'c');
        await ask(client, 4, 'GET', key);
        assert.deepEqual(
          notifications(client).map(({ payload }) => String(payload)),
          [
            bulk('NOTIFY', 'SET', 'VALUE', 'a'),
            bulk('NOTIFY', 'SET', 'VALUE', 'b'),
            bulk('NOTIFY', 'DELETE'),
          ],
        );
        const [first] = notifications(client);
        assert.equal(first?.qos, 1);
        assert.match(String(first?.properties?.userProperties?.__ts), /^\d{15}:\d{5}:/);
      });
    }

    it('others that subscribe to the topic get it as well', async () => {
      const spy = await logIn('spy');
      await spy.subscribe('#');
      const client = await logIn('go');
      await client.subscribe(responseTopic('go'));
      await ask(client, 1, 'KEYNOTIFY', key);
      await other.set(key, 'a');
      for (;;) {
        const { topic, payload } = await spy.next('publish');
        if (topic === notificationTopic('go', Buffer.from(key))) {
          assert.equal(String(payload), bulk('NOTIFY', 'SET', 'VALUE', 'a'));
          break;
        }
      }
      const seen = spy.packets.flatMap((one) => (one.cmd === 'publish' ? [one.topic] : []));
      assert.ok(seen.includes(REQUEST_TOPIC) && seen.includes(responseTopic('go')));
    });
  });
});
