/**
 * A stand-in for a broker that takes Kubernetes service account tokens: a proxy that handles CONNECT and AUTH (MQTT 5
 * sections 3.1 and 3.15) and passes everything else to the emulator. A fake, because such tokens come from a cluster.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { generate, type IAuthPacket, type IConnectPacket, type Packet, parser } from 'mqtt-packet';

const V5 = { protocolVersion: 5 };
const METHOD = 'K8S-SAT';
const NOT_AUTHORIZED = 0x87;
const BAD_METHOD = 0x8c;

export interface SatBroker {
  port: number;
  /** The only token that is good. */
  token: string;
  /** What happened, in order: `connect good`, `auth bad`, ... */
  events: string[];
  /** How many of the next re-authentications are answered with 0x18. */
  later: number;
  /** Resolves when there are `count` events that begin so. */
  happened(event: string, count?: number): Promise<void>;
  /** Closes every connection without DISCONNECT, as the broker does when a credential expires. */
  expire(): void;
  close(): Promise<void>;
}

export async function startSatBroker(upstreamPort: number, token: string): Promise<SatBroker> {
  const sockets = new Set<Socket>();
  const waiters = new Set<() => void>();
  const broker: SatBroker = {
    port: 0,
    token,
    events: [],
    later: 0,
    happened: async (event, count = 1) => {
      while (broker.events.filter((one) => one.startsWith(event)).length < count) {
        await new Promise<void>((resolve) => waiters.add(resolve));
      }
    },
    expire: () => {
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      broker.expire();
      await closed;
    },
  };
  const happen = (event: string) => {
    broker.events.push(event);
    for (const resolve of waiters) resolve();
    waiters.clear();
  };

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: upstreamPort, host: '127.0.0.1', noDelay: true });
    sockets.add(client);
    client
      .on('error', () => undefined)
      .on('close', () => {
        sockets.delete(client);
        upstream.destroy();
      });
    upstream.on('error', () => undefined).on('close', () => client.destroy());
    upstream.pipe(client);
    const send = (packet: Packet) => client.write(generate(packet, V5));
    const good = (data: Buffer | undefined) => data?.toString() === broker.token;

    const logIn = (packet: IConnectPacket) => {
      const { authenticationMethod, authenticationData, ...properties } = packet.properties ?? {};
      const reasonCode =
        authenticationMethod !== METHOD ? BAD_METHOD : good(authenticationData) ? 0 : NOT_AUTHORIZED;
      happen(`connect ${reasonCode === 0 ? 'good' : 'bad'}`);
      if (reasonCode === 0) upstream.write(generate({ ...packet, properties }, V5));
      else {
        send({ cmd: 'connack', reasonCode, sessionPresent: false });
        client.end();
      }
    };
    const reauthenticate = (packet: IAuthPacket) => {
      if (broker.later > 0) {
        broker.later--;
        happen('auth later');
        send({ cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: METHOD } });
      } else if (good(packet.properties?.authenticationData)) {
        happen('auth good');
        send({ cmd: 'auth', reasonCode: 0, properties: { authenticationMethod: METHOD } });
      } else {
        happen('auth bad');
        send({ cmd: 'disconnect', reasonCode: NOT_AUTHORIZED });
        client.end();
      }
    };

    const incoming = parser(V5);
    incoming.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') logIn(packet);
      else if (packet.cmd === 'auth') reauthenticate(packet);
      else upstream.write(generate(packet, V5));
    });
    client.on('data', (chunk) => incoming.parse(chunk));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  broker.port = (server.address() as AddressInfo).port;
  return broker;
}
