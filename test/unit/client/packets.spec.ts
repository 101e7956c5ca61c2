/** The packets that go past MQTT.js, held against the codec that MQTT.js itself uses. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { answeredPacketId, isAnswer, markRepeat, RequestPackets } from '../../../src/client/request-packets';
import { PacketReader } from '../../../src/mqtt/packet-reader';
import { PacketSplitter } from '../../../src/mqtt/packet-splitter';
import { Message } from '../../../src/mqtt/publish';
import { PacketFault } from '../../../src/mqtt/wire';
import { formatHlc } from '../../../src/protocol/hlc';
import { encodeArray } from '../../../src/protocol/resp3';
import { REQUEST_TOPIC } from '../../../src/protocol/topics';
import { bytes, plain } from '../../support/arbitraries';

const MQTT5 = { protocolVersion: 5 };

function parse(packet: Buffer): IPublishPacket {
  const found: Packet[] = [];
  const reader = parser(MQTT5);
  reader.on('packet', (one) => found.push(one));
  assert.equal(reader.parse(packet), 0, 'bytes are left over');
  assert.equal(found.length, 1);
  return found[0] as IPublishPacket;
}

/** Splits and reads, as the client does. */
function read(packet: Buffer) {
  let message: Message | undefined;
  new PacketSplitter((...found) => {
    message = new Message(...found);
  }).add(packet);
  return message;
}

function answerWith(correlationData: Buffer): Message {
  const packet = generate(
    {
      ...{ cmd: 'publish', topic: 'to/me', qos: 0, dup: false, retain: false, payload: '' },
      properties: { correlationData },
    },
    MQTT5,
  );
  return new Message(packet, 0, 2, packet.length);
}

function publishOf(size: number): Buffer {
  const payload = Buffer.alloc(size, size % 251);
  return generate({ ...{ cmd: 'publish', topic: 't', qos: 0, dup: false, retain: false }, payload }, MQTT5);
}

/** A request with nothing in it. */
const LEAST = {
  ...{ packetId: 1, expiry: 1, timestamp: { wallClockMs: 0, counter: 0, nodeId: 'n' } },
  ...{ payload: Buffer.alloc(0), fencingToken: undefined, userProperties: undefined },
};

const text = fc.string({ unit: 'grapheme', maxLength: 40 });

const ME = { clientId: 'me', responseTopic: 'to/me', highPriority: true };

describe('A request packet', () => {
  const parts = fc.record(
    {
      packetId: fc.integer({ min: 1, max: 65_535 }),
      expiry: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      timestamp: fc.record(
        {
          wallClockMs: fc.integer({ min: 0, max: 10 ** 15 - 1 }),
          counter: fc.oneof(fc.nat(), fc.maxSafeNat()),
          nodeId: fc.constantFrom('n', randomUUID()),
        },
        plain,
      ),
      fencingToken: fc.option(text, { nil: undefined }),
      userProperties: fc.option(fc.dictionary(fc.stringMatching(/^[a-z-]{1,9}$/), text, { maxKeys: 3 }), {
        nil: undefined,
      }),
      payload: fc.oneof(
        bytes,
        fc.array(fc.oneof(bytes, text)),
        fc.integer({ min: 100, max: 300_000 }).map((size) => Buffer.alloc(size, 'v')),
      ),
    },
    plain,
  );

  it('is read by MQTT.js with everything that was put in', () => {
    const packets = new RequestPackets(ME);
    fc.assert(
      fc.property(parts, (one) => {
        const { packet, payloadAt } = packets.make(one);
        const read = parse(packet);
        assert.equal(read.topic, REQUEST_TOPIC);
        assert.deepEqual([read.qos, read.dup, read.retain], [1, false, false]);
        assert.equal(read.messageId, one.packetId);
        const payload = Buffer.isBuffer(one.payload) ? one.payload : encodeArray(one.payload);
        assert.ok(payload.equals(read.payload as Buffer));
        assert.ok(payload.equals(packet.subarray(payloadAt)));
        const { userProperties, correlationData, ...others } = read.properties ?? {};
        assert.equal(correlationData?.length, 16);
        assert.deepEqual(others, {
          payloadFormatIndicator: false,
          contentType: 'application/octet-stream',
          responseTopic: 'to/me',
          messageExpiryInterval: one.expiry,
        });
        assert.deepEqual(
          { ...userProperties },
          {
            __srcId: 'me',
            __protVer: '1.0',
            $partition: 'me',
            $high_priority: '',
            __ts: formatHlc(one.timestamp),
            ...(one.fencingToken !== undefined && { __ft: one.fencingToken }),
            ...one.userProperties,
          },
        );
      }),
    );
  });

  it('has the size that is known before it is made, unless it has a fencing token', () => {
    const packets = new RequestPackets(ME);
    fc.assert(
      fc.property(parts, (one) => {
        const timestamp = { ...one.timestamp, counter: one.timestamp.counter % 100_000 };
        const { packet } = packets.make({ ...one, timestamp, fencingToken: undefined });
        const payload = Buffer.isBuffer(one.payload) ? one.payload : encodeArray(one.payload);
        const size = packets.sizeOf(payload.length, timestamp.nodeId, one.userProperties);
        assert.equal(size, packet.length);
      }),
    );
  });

  it('has correlation data of its own, in the form of a random UUID, by which its answer is known', () => {
    const packets = new RequestPackets(ME);
    const others = new RequestPackets(ME);
    const found = new Set<string>();
    for (let packetId = 1; packetId <= 1000; packetId++) {
      const request = packets.make({ ...LEAST, packetId });
      const { correlationData } = parse(request.packet).properties ?? {};
      found.add(correlationData?.toString('hex') ?? '');
      const answer = answerWith(correlationData as Buffer);
      assert.equal(answeredPacketId(answer), packetId);
      assert.equal(isAnswer(answer, request), true);
      for (const other of [packets, others])
        assert.equal(isAnswer(answer, other.make({ ...LEAST, packetId })), false);
    }
    assert.equal(found.size, 1000);
    for (const one of found) assert.match(one, /^.{12}4.{3}[89ab].{15}$/);
  });

  it('is known by the whole of its correlation data', () => {
    const request = new RequestPackets(ME).make(LEAST);
    const data = parse(request.packet).properties?.correlationData as Buffer;
    for (let at = 0; at < data.length; at++) {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] as number) ^ 0x81;
      assert.equal(isAnswer(answerWith(changed), request), false, `byte ${at} is changed`);
    }
    for (const wrong of [data.subarray(1), Buffer.concat([data, data]), Buffer.alloc(0)]) {
      assert.equal(isAnswer(answerWith(wrong), request), false);
      assert.equal(answeredPacketId(answerWith(wrong)), 0);
    }
  });

  it('says that it is sent again, when it is', () => {
    const made = new RequestPackets(ME).make(LEAST);
    markRepeat(made, 7, true);
    const { dup, qos, properties } = parse(made.packet);
    assert.deepEqual([dup, qos, properties?.messageExpiryInterval], [true, 1, 7]);
  });
});

describe('A message', () => {
  const publish = fc.record(
    {
      topic: text.filter((one) => one.length > 0 && !/[+#\0]/u.test(one)),
      payload: bytes,
      qos: fc.constantFrom(0 as const, 1 as const),
      messageId: fc.integer({ min: 1, max: 65_535 }),
      properties: fc.record(
        {
          correlationData: bytes,
          messageExpiryInterval: fc.nat(),
          contentType: text,
          responseTopic: text,
          payloadFormatIndicator: fc.boolean(),
          subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }),
          userProperties: fc.dictionary(
            fc.oneof(
              fc.stringMatching(/^[a-z_]{1,9}$/),
              fc.constantFrom('__proto__', 'constructor', 'toString'),
            ),
            text,
            { minKeys: 1, maxKeys: 4 },
          ),
        },
        { requiredKeys: [], ...plain },
      ),
    },
    plain,
  );

  it('is read as MQTT.js wrote it', () => {
    fc.assert(
      fc.property(publish, (one) => {
        const message = read(generate({ cmd: 'publish', dup: false, retain: false, ...one }, MQTT5));
        assert.equal(message?.topic, one.topic);
        assert.ok(one.payload.equals(message.payload));
        assert.equal(message.hasPayload(one.payload), true);
        assert.equal(message.hasPayload(Buffer.concat([one.payload, Buffer.from([0])])), false);
        assert.equal(message.hasPayload(one.payload.map((byte) => byte ^ 1)), one.payload.length === 0);
        assert.equal(message.packetId, one.qos === 0 ? 0 : one.messageId);
        assert.equal(message.hasTopic(Buffer.from(one.topic)), true);
        assert.equal(message.hasTopic(Buffer.from(`${one.topic}x`)), false);
        const { correlationData, userProperties } = one.properties;
        const { correlationStart, correlationEnd } = message;
        assert.ok(
          message.data.subarray(correlationStart, correlationEnd).equals(correlationData ?? Buffer.alloc(0)),
        );
        assert.equal(message.userProperty('not-there'), undefined);
        for (const [name, value] of Object.entries(userProperties ?? {})) {
          assert.equal(message.userProperty(name), value);
          assert.equal(message.userProperty(name, 'usual'), value);
          assert.equal(message.userProperty(name, value), value);
        }
      }),
    );
  });

  it('is never read out of damaged bytes beyond their end', () => {
    fc.assert(
      fc.property(publish, fc.nat(), fc.integer({ min: 0, max: 255 }), (one, place, byte) => {
        const packet = generate({ cmd: 'publish', dup: false, retain: false, ...one }, MQTT5);
        packet[2 + (place % (packet.length - 2))] = byte;
        try {
          const message = new Message(packet, 0, 2, packet.length);
          assert.ok(message.payload.length < packet.length);
          assert.ok(message.topic.length < packet.length);
          assert.ok((message.userProperty('a') ?? '').length < packet.length);
        } catch (error) {
          assert.ok(error instanceof PacketFault, String(error));
        }
      }),
    );
  });
});

describe('A stream of packets', () => {
  const packets = fc.array(
    fc.oneof(
      fc.constant(Buffer.from([0xd0, 0])),
      fc.constant(Buffer.from([0x40, 2, 0, 7])),
      fc.integer({ min: 0, max: 20_000 }).map((size) => publishOf(size)),
    ),
    { minLength: 1, maxLength: 8 },
  );

  it('is cut where a packet ends, for any division into pieces', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (whole, sizes) => {
        const stream = Buffer.concat(whole);
        const found: Buffer[] = [];
        const splitter = new PacketSplitter((data, start, _body, end) =>
          found.push(Buffer.from(data.subarray(start, end))),
        );
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] as number;
          splitter.add(stream.subarray(at, at + size));
          at += size;
        }
        assert.ok(found.length === whole.length && found.every((one, i) => one.equals(whole[i] as Buffer)));
      }),
      { numRuns: 200 },
    );
  });

  it('is cut the same in memory that is filled again and again, however much comes at a time', () => {
    const large = fc.integer({ min: 200_000, max: 6_000_000 }).map((size) => publishOf(size));
    const some = fc.array(fc.oneof({ arbitrary: packets, weight: 4 }, fc.tuple(large)), { maxLength: 4 });
    fc.assert(
      fc.property(some, fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1 }), (all, sizes) => {
        const whole = all.flat();
        const stream = Buffer.concat(whole);
        const found: Buffer[] = [];
        const kept: [Buffer, Buffer][] = [];
        const reader = new PacketReader();
        reader.onBytes = () =>
          reader.cut((data, start, body, end) => {
            const packet = data.subarray(start, end);
            const isOwn =
              packet[0] === 0x30 ? new Message(data, start, body, end).hasOwnMemory : packet === data;
            if (isOwn) kept.push([packet, Buffer.from(packet)]);
            found.push(Buffer.from(packet));
          });
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const space = reader.onread.buffer();
          assert.ok(space.length > 0);
          const bytes = stream.copy(space, 0, at, at + (sizes[turn % sizes.length] as number));
          reader.onread.callback(bytes);
          at += bytes;
        }
        assert.ok(found.length === whole.length && found.every((one, i) => one.equals(whole[i] as Buffer)));
        assert.ok(kept.every(([packet, copy]) => packet.equals(copy)));
        assert.equal(kept.length, whole.filter(({ length }) => length >= 2 ** 18).length);
      }),
      { numRuns: 30 },
    );
  });

  it('has memory of its own for a packet that comes at once and is as long as the memory of small ones', () => {
    const exact = publishOf(2 ** 18 - 8);
    assert.equal(exact.length, 2 ** 18);
    const reader = new PacketReader();
    const messages: Message[] = [];
    reader.onBytes = () => reader.cut((...packet) => messages.push(new Message(...packet)));
    for (const packet of [exact, publishOf(2 ** 17)])
      reader.onread.callback(packet.copy(reader.onread.buffer()));
    assert.deepEqual(
      messages.map(({ hasOwnMemory }) => hasOwnMemory),
      [true, false],
    );
    assert.ok(messages[0]?.payload.equals(exact.subarray(8)));
  });

  it('of another socket is copied, and buffered bytes can be forgotten', () => {
    const [one, other] = [publishOf(300_000), publishOf(10)];
    const found: number[] = [];
    const reader = new PacketReader();
    reader.onBytes = () => reader.cut((_data, start, _body, end) => found.push(end - start));
    reader.add(one.subarray(0, 200_000));
    reader.clear();
    reader.add(Buffer.concat([other, one, other]));
    assert.deepEqual(found, [other.length, one.length, other.length]);
  });

  it('does not get all the memory that it claims to need', () => {
    const reader = new PacketReader();
    reader.onBytes = () => reader.cut(() => assert.fail('the packet is not complete'));
    reader.add(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]));
    assert.ok(reader.onread.buffer().length < 5_000_000);
  });

  it('is cut byte by byte', () => {
    const one = generate(
      { cmd: 'publish', topic: 't', qos: 0, dup: false, retain: false, payload: 'x'.repeat(200) },
      MQTT5,
    );
    let found = 0;
    const splitter = new PacketSplitter((data, start, body, end) => {
      assert.ok(data.subarray(start, end).equals(one));
      assert.equal(body - start, 3);
      found++;
    });
    for (const byte of [...one, ...one]) splitter.add(Buffer.from([byte]));
    assert.equal(found, 2);
  });

  it('with a length that is none is refused', () => {
    const splitter = new PacketSplitter(() => assert.fail('there is no packet'));
    assert.throws(() => splitter.add(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01])), PacketFault);
  });
});
