/**
 * A broker whose state store gives the answers of the test: answers that a real store never gives.
 * The broker is a real one (Aedes); only the store is scripted.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes, type AedesOptions } from 'aedes';
import type { IPublishPacket } from 'mqtt';
import { type Command, parseCommand } from '../../src/protocol/commands';
import { REQUEST_TOPIC } from '../../src/protocol/topics';

type Properties = NonNullable<IPublishPacket['properties']>;

/** One request, and the means to answer it, once, never, or many times. */
export interface ScriptedRequest {
  command: Command;
  properties: Properties;
  /** Publishes `payload` to the response topic, with the request's correlation data unless `properties` say otherwise. */
  respond(payload: string | Buffer, properties?: Properties): void;
}

export interface ScriptedStore {
  port: number;
  /** Every request so far, in the order of arrival. */
  requests: ScriptedRequest[];
  /** Answers each request; replace it at any time. */
  answer: (request: ScriptedRequest) => void;
  /** While true, the question of the nodes whether there is a store goes to `answer` like all other requests. */
  answersAlone: boolean;
  /** While true, new connections are closed at once. */
  unreachable: boolean;
  /** Cuts every TCP connection; the broker keeps the sessions. */
  cut(): void;
  /** Resolves when no client is connected. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** The nodes ask after each connect whether there is a store; no test is about that. */
function isProbe(command: Command): boolean {
  return 'key' in command && command.key.toString().endsWith('statestore-test/is-there-a-store');
}

export async function startScriptedStore(options: AedesOptions = {}): Promise<ScriptedStore> {
  const broker = await Aedes.createBroker(options);
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    if (store.unreachable) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  const store: ScriptedStore = {
    port: 0,
    requests: [],
    answersAlone: false,
    unreachable: false,
    answer: ({ respond }) => respond('+OK\r\n'),
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    empty: async () => {
      while (broker.connectedClients > 0) await once(broker, 'clientDisconnect');
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      await new Promise<void>((resolve) => broker.close(resolve));
      store.cut();
      await closed;
    },
  };
  await new Promise<void>((resolve) =>
    broker.subscribe(
      REQUEST_TOPIC,
      (packet, done) => {
        const properties = packet.properties as Properties;
        const request: ScriptedRequest = {
          command: parseCommand(packet.payload as Buffer),
          properties,
          respond: (payload, more = {}) => {
            const { correlationData, responseTopic } = properties;
            const topic = responseTopic as string;
            const base = correlationData ? { correlationData } : {};
            broker.publish(
              {
                cmd: 'publish',
                qos: 1,
                dup: false,
                retain: false,
                topic,
                payload,
                properties: { ...base, ...more },
              },
              () => undefined,
            );
          },
        };
        if (isProbe(request.command) && !store.answersAlone) {
          request.respond('$-1\r\n');
        } else {
          store.requests.push(request);
          store.answer(request);
        }
        done();
      },
      resolve,
    ),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  store.port = (server.address() as AddressInfo).port;
  return store;
}
