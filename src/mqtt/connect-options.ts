import type { IClientOptions } from 'mqtt';
import { type Login, SAT_METHOD, type TlsOptions } from './login';
import type { PacketIds } from './packet-ids';
import type { Secrets } from './secrets';
import type { Address } from './transport';

/** What every attempt of a connection has in common. */
export interface AttemptOptions extends Address {
  /** Returns host and port of an attempt, instead of those above. */
  locate: (() => Promise<Address>) | undefined;
  clientId: string;
  tls: TlsOptions | undefined;
  login: Login;
  /** Topic the responses arrive on; subscribed with QoS 1 on every connection. */
  responseTopic: string;
  /** Seconds between pings, 0 to 65535 (MQTT 5 section 3.1.2.10). */
  keepAlive: number;
  /** Seconds the broker keeps the session after the connection is lost (MQTT 5 section 3.1.2.11.2). */
  sessionExpiry: number;
  /** Milliseconds from the start of an attempt to the SUBACK, and for any later subscription. */
  connectTimeout: number;
  /** Value of the user property `metriccategory` of CONNECT. Blank: no such property. */
  metricCategory: string;
}

/** MQTT.js times an attempt as far as CONNACK only; `Attempt` times all of it. */
const NEVER_MS = 2 ** 31 - 1;

/**
 * The options of MQTT.js for one attempt. It does not reconnect and sends nothing again: both are done here, with secrets that were just
 * read. `clean`: Clean Start (MQTT 5 section 3.1.2.4).
 */
export function connectOptions(
  options: AttemptOptions,
  clean: boolean,
  packetIds: PacketIds,
  { username, password, token }: Secrets,
): IClientOptions {
  const { clientId, keepAlive, sessionExpiry, metricCategory } = options;
  return {
    protocolVersion: 5,
    clientId,
    clean,
    keepalive: keepAlive,
    connectTimeout: NEVER_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    messageIdProvider: packetIds,
    log: () => undefined,
    // Packets that count go past MQTT.js, and its cache of encoded numbers takes 6.6 MB.
    writeCache: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    properties: {
      sessionExpiryInterval: sessionExpiry,
      ...(metricCategory !== '' && { userProperties: { metriccategory: metricCategory } }),
      ...(token && { authenticationMethod: SAT_METHOD, authenticationData: token }),
    },
  };
}
