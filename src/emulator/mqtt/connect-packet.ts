/** Reads and checks a CONNECT (MQTT 5 section 3.1). */
import { malformed, Property } from '../../mqtt/wire';
import { IN_CONNECT, PacketReader } from './packet-reader';
import { readWill, type Will } from './will';

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
