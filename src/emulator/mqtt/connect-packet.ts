/** Reads and checks a CONNECT and the will in it (MQTT 5 section 3.1). */
import { malformed, Property } from '../../mqtt/wire';
import { checkTopic, IN_CONNECT, IN_WILL, PacketReader } from './packet-reader';

/** The message that a broker publishes for a client whose connection ended without a DISCONNECT (MQTT 5 section 3.1.2.5). */
export interface Will {
  topic: string;
  payload: Buffer;
  qos: number;
  retain: boolean;
  /** Encoded, as in a PUBLISH, without the length in front. Undefined in MQTT 3.1.1. */
  properties: Buffer;
  delayMs: number;
}

export interface Connect {
  /** 5, or 4 for MQTT 3.1.1. */
  version: number;
  cleanStart: boolean;
  clientId: string;
  keepAliveSeconds: number;
  username: string | undefined;
  password: Buffer | undefined;
  will: Will | undefined;
  sessionExpirySeconds: number;
  /** QoS 1 messages that the client takes before it acknowledges one. */
  receiveMaximum: number;
  /** Bytes of the largest packet that the client takes. */
  maximumPacketSize: number;
  hasAuthenticationMethod: boolean;
}

const MAX_RECEIVE = 65_535;

/** Reads a CONNECT. Its version may be one that is not supported; then nothing but the version counts. */
export function readConnect(data: Buffer, body: number, end: number): Connect {
  const reader = new PacketReader(data, body, end);
  reader.text();
  const version = reader.byte();
  if (version !== 4 && version !== 5) return { ...NO_CONNECT, version };
  const flags = reader.byte();
  if ((flags & 1) !== 0) throw malformed();
  const keepAliveSeconds = reader.two();
  const properties = reader.properties(IN_CONNECT, version);
  const clientId = reader.text();
  const will = (flags & 0x04) !== 0 ? readWill(reader, flags, version) : undefined;
  if (!will && (flags & 0x38) !== 0) throw malformed();
  const username = (flags & 0x80) !== 0 ? reader.text() : undefined;
  const password = (flags & 0x40) !== 0 ? Buffer.from(reader.bytes()) : undefined;
  reader.finish();
  return {
    ...{ version, clientId, keepAliveSeconds, username, password, will, cleanStart: (flags & 2) !== 0 },
    sessionExpirySeconds: properties.get(Property.SESSION_EXPIRY) ?? 0,
    receiveMaximum: properties.get(Property.RECEIVE_MAXIMUM) ?? MAX_RECEIVE,
    maximumPacketSize: properties.get(Property.MAXIMUM_PACKET_SIZE) ?? Number.POSITIVE_INFINITY,
    hasAuthenticationMethod: properties.has(Property.AUTHENTICATION_METHOD),
  };
}

const NO_CONNECT: Connect = {
  ...{
    version: 0,
    cleanStart: true,
    clientId: '',
    keepAliveSeconds: 0,
    username: undefined,
    password: undefined,
  },
  ...{
    will: undefined,
    sessionExpirySeconds: 0,
    receiveMaximum: MAX_RECEIVE,
    hasAuthenticationMethod: false,
  },
  maximumPacketSize: Number.POSITIVE_INFINITY,
};

function readWill(reader: PacketReader, flags: number, version: number): Will {
  const qos = (flags >> 3) & 3;
  if (qos === 3) throw malformed();
  const start = reader.at;
  const found = reader.properties(IN_WILL, version);
  const encoded = version === 5 ? withoutDelay(reader.since(start)) : Buffer.alloc(0);
  const topic = reader.text();
  checkTopic(topic);
  const payload = Buffer.from(reader.bytes());
  const delayMs = (found.get(Property.WILL_DELAY) ?? 0) * 1000;
  return { topic, payload, qos, retain: (flags & 0x20) !== 0, properties: encoded, delayMs };
}

/** Properties of a will with their length in front -> the same without the length and the will delay, which no PUBLISH has. */
function withoutDelay(encoded: Buffer): Buffer {
  const reader = new PacketReader(encoded, 0, encoded.length);
  reader.number();
  const kept: Buffer[] = [];
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.byte();
    reader.skipValue(id);
    if (id !== Property.WILL_DELAY) kept.push(Buffer.from(reader.since(start)));
  }
  return Buffer.concat(kept);
}
