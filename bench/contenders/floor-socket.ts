/**
 * What `floor` and `floor-flow` send with: a raw socket, packets built once and patched (packet identifier, correlation data, timestamp), answers found by
 * their place in the packet. No deadline, no reconnect, no error: the least a Node.js process can do for the same bytes.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';
import type { Command } from '../../src/protocol/commands';
import { notificationFilter, notificationTopic, REQUEST_TOPIC } from '../../src/protocol/topics';
import { encodeCommand } from '../../test/support/encode-command';
import type { Contender, Operation } from '../measure';

const CLIENT_ID = `floor-${randomUUID()}`;
const RESPONSE_TOPIC = `clients/${CLIENT_ID}/services/statestore/_any_/command/invoke/response`;
const MQTT5 = { protocolVersion: 5 };
const CORRELATION_DATA = 0x09;
const USER_PROPERTY = 0x26;
/** What the value of a notification comes after, and the name of the user property with its version. */
const NOTIFY_SET = Buffer.from('*4\r\n$6\r\nNOTIFY\r\n$3\r\nSET\r\n$5\r\nVALUE\r\n$');
const VERSION_NAME = Buffer.from('__ts');
const CARRIAGE_RETURN = 0x0d;
const PUBLISH = 3;
const PUBACK_BYTES = Buffer.from([0x40, 2, 0, 0]);
const PLACEHOLDER = Buffer.alloc(16, 0xee);
const TIMESTAMP = '000000000000000:00000:';

/** A request packet and where in it the parts are that differ from request to request. */
interface Template {
  packet: Buffer;
  packetId: number;
  correlation: number;
  timestamp: number;
}

interface InFlight {
  operation: Operation;
  size: number;
  done: (right: boolean) => void;
}

function template(command: Command): Template {
  const packet = generate(
    {
      cmd: 'publish',
      topic: REQUEST_TOPIC,
      qos: 1,
      dup: false,
      retain: false,
      messageId: 1,
      payload: encodeCommand(command),
      properties: {
        payloadFormatIndicator: false,
        messageExpiryInterval: 10,
        contentType: 'application/octet-stream',
        responseTopic: RESPONSE_TOPIC,
        correlationData: PLACEHOLDER,
        userProperties: {
          __ts: TIMESTAMP + CLIENT_ID,
          __srcId: CLIENT_ID,
          __protVer: '1.0',
          $partition: CLIENT_ID,
          $high_priority: '',
        },
      },
    },
    MQTT5,
  );
  return {
    packet,
    packetId: packet.indexOf(REQUEST_TOPIC) + Buffer.byteLength(REQUEST_TOPIC),
    correlation: packet.indexOf(PLACEHOLDER),
    timestamp: packet.indexOf(TIMESTAMP),
  };
}

/** Called with the key, the value and the version of a change. */
export type OnChange = (key: string, value: Buffer, version: string) => void;

export class FloorSocket implements Contender {
  readonly #socket: Socket;
  /** Observed keys, by the topics of their notifications. */
  readonly #observed = new Map<string, string>();
  #onChange: OnChange = () => undefined;
  readonly #templates = new Map<string, Template>();
  readonly #inFlight: (InFlight | undefined)[] = new Array(65_536);
  #nextId = 0;
  #out: Buffer[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
  }

  request(operation: Operation, key: string, value: Buffer, done: (right: boolean) => void): void {
    this.#send(this.#template(operation, key, value), { operation, size: value.length, done });
  }

  /** Observes these keys. Resolves when the store has accepted it. */
  async observe(keys: string[], onChange: OnChange): Promise<void> {
    this.#onChange = onChange;
    const accepted = keys.map((key) => {
      const bytes = Buffer.from(key);
      this.#observed.set(notificationTopic(CLIENT_ID, bytes), key);
      return new Promise<void>((resolve) => {
        this.#send(template({ verb: 'KEYNOTIFY', key: bytes, stop: false }), {
          operation: 'SET',
          size: 0,
          done: () => resolve(),
        });
      });
    });
    await Promise.all(accepted);
  }

  #send({ packet, packetId, correlation, timestamp }: Template, inFlight: InFlight): void {
    this.#nextId = (this.#nextId % 65_535) + 1;
    const id = this.#nextId;
    const copy = Buffer.allocUnsafe(packet.length);
    copy.set(packet);
    copy.writeUInt16BE(id, packetId);
    copy.writeUInt16BE(id, correlation);
    copy.write(`${String(Date.now()).padStart(15, '0')}:${String(id).padStart(5, '0')}`, timestamp, 'latin1');
    this.#inFlight[id] = inFlight;
    this.#write(copy);
  }

  #template(operation: Operation, key: string, value: Buffer): Template {
    const name = `${operation} ${key} ${value.length}`;
    const known = this.#templates.get(name);
    if (known) return known;
    const bytes = Buffer.from(key);
    const made = template(
      operation === 'SET' ? { verb: 'SET', key: bytes, value } : { verb: 'GET', key: bytes },
    );
    this.#templates.set(name, made);
    return made;
  }

  /** Everything of a tick goes out in one write. */
  #write(bytes: Buffer): void {
    if (this.#out.length === 0) process.nextTick(() => this.#flush());
    this.#out.push(bytes);
  }

  #flush(): void {
    this.#socket.write(this.#out.length === 1 ? (this.#out[0] as Buffer) : Buffer.concat(this.#out));
    this.#out = [];
  }

  #read(chunk: Buffer): void {
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      let length = 0;
      let at = 1;
      let shift = 0;
      for (; at < data.length; shift += 7) {
        const byte = data[at++] as number;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      if (at + length > data.length || data.length < 2) break;
      if ((data[0] as number) >> 4 === PUBLISH) this.#answer(data, at, at + length);
      data = data.subarray(at + length);
    }
    this.#rest = data;
  }

  #answer(data: Buffer, start: number, end: number): void {
    const packetId = start + 2 + data.readUInt16BE(start);
    const ack = Buffer.from(PUBACK_BYTES);
    ack.writeUInt16BE(data.readUInt16BE(packetId), 2);
    this.#write(ack);
    // The properties of a response are shorter than 16,384 bytes: their length takes one byte or two.
    const first = data[packetId + 2] as number;
    const short = first < 0x80;
    const properties = packetId + (short ? 3 : 4);
    const payload = properties + (short ? first : (first & 0x7f) | ((data[packetId + 3] as number) << 7));
    if (packetId - start - 2 !== RESPONSE_TOPIC.length) {
      this.#notify(data.toString('latin1', start + 2, packetId), data, properties, payload);
      return;
    }
    let at = properties;
    while (data[at] !== CORRELATION_DATA) at += propertySize(data, at);
    const id = data.readUInt16BE(at + 3);
    const waiting = this.#inFlight[id];
    this.#inFlight[id] = undefined;
    if (!waiting) return;
    const { operation, size, done } = waiting;
    done(operation === 'SET' ? data[payload] === 0x2b : end - payload > size && data[payload] === 0x24);
  }

  #notify(topic: string, data: Buffer, properties: number, payload: number): void {
    const key = this.#observed.get(topic);
    if (
      key === undefined ||
      data.compare(NOTIFY_SET, 0, NOTIFY_SET.length, payload, payload + NOTIFY_SET.length)
    )
      return;
    let version = '';
    for (let at = properties; at < payload; at += propertySize(data, at)) {
      if (data[at] !== USER_PROPERTY || data.readUInt16BE(at + 1) !== VERSION_NAME.length) continue;
      const value = at + 3 + VERSION_NAME.length;
      if (data.compare(VERSION_NAME, 0, VERSION_NAME.length, at + 3, value) === 0)
        version = data.toString('latin1', value + 2, value + 2 + data.readUInt16BE(value));
    }
    let length = 0;
    let at = payload + NOTIFY_SET.length;
    for (; data[at] !== CARRIAGE_RETURN; at++) length = length * 10 + (data[at] as number) - 0x30;
    this.#onChange(key, Buffer.from(data.subarray(at + 2, at + 2 + length)), version);
  }
}

/** Bytes of the property at `at` (MQTT 5 section 2.2.2.2), for the properties that the emulator sends. */
function propertySize(data: Buffer, at: number): number {
  switch (data[at]) {
    case 0x01:
      return 2;
    case 0x02:
      return 5;
    case 0x03:
    case CORRELATION_DATA:
      return 3 + data.readUInt16BE(at + 1);
    case USER_PROPERTY: {
      const name = 3 + data.readUInt16BE(at + 1);
      return name + 2 + data.readUInt16BE(at + name);
    }
    default:
      throw new Error(`property ${data[at]} was not expected`);
  }
}

export async function openFloor(port: number): Promise<FloorSocket> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const send = (packet: Packet) => socket.write(generate(packet, MQTT5));
  send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: true,
    clientId: CLIENT_ID,
    keepalive: 0,
  });
  await once(socket, 'data');
  send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [RESPONSE_TOPIC, notificationFilter(CLIENT_ID)].map((topic) => ({
      topic,
      ...({ qos: 1, nl: false, rap: false, rh: 0 } as const),
    })),
  });
  await once(socket, 'data');
  return new FloorSocket(socket);
}
