import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { joinWrites } from '../../mqtt/joined-writes';
import { Message } from '../../mqtt/publish';
import { PacketFault, PacketType } from '../../mqtt/wire';
import { ReasonCode } from '../../reason-codes';
import * as answers from './broker-packets';
import * as packets from './client-packets';
import { type BrokerClient, Clients } from './clients';
import { type Connect, readConnect } from './connect-packet';
import { ClientConnection, maxWaitingBytes, type Packet } from './connection';
import { Deliveries, type RetainedDelivery } from './deliveries';
import type { Publication } from './publication';
import { Retained } from './retained';
import { LONGEST_SESSION, Sessions } from './sessions';
import { Wills } from './wills';

const SYSTEM_TOPICS = '$SYS/';
const SHARED = '$share/';

/** What is above the broker: users, rules, and the state store. */
export interface BrokerHooks<Identity extends object> {
  /** Returns the reason code of a refusal as a number. */
  logIn(clientId: string, connect: Connect, socket: Socket): Identity | number;
  mayPublish(identity: Identity, topic: string): boolean;
  maySubscribe(identity: Identity, filter: string): boolean;
  /** Whether a QoS 1 PUBLISH, or a SUBSCRIBE, is refused because the broker plays an overload. */
  refusesPublish(): boolean;
  refusesSubscribe(): boolean;
  /** A PUBLISH on the request topic. `arrivedAt`: milliseconds of the monotonic clock. */
  request(identity: Identity, message: Message, arrivedAt: number): void;
  /** A client logged in, or its connection ended. */
  came(): void;
  gone(clientId: string): void;
}

export interface BrokerLimits {
  /** Bytes, also before login. */
  maximumPacketSize: number;
  /** In CONNACK, if it is there. */
  receiveMaximum: number | undefined;
}

/**
 * An MQTT broker for QoS 0 and 1 (MQTT 5, and 3.1.1 without kept sessions). It forwards messages to subscribers; requests to the store go to its hooks, and
 * what the store publishes comes in by {@link send}.
 */
export class MqttBroker<Identity extends object> {
  readonly #requestTopic: string;
  readonly #requestTopicBytes: Buffer;
  readonly #hooks: BrokerHooks<Identity>;
  readonly #limits: BrokerLimits;
  readonly #sessions = new Sessions();
  readonly #retained = new Retained();
  readonly #connections = new Set<ClientConnection>();
  readonly #clients = new Clients<Identity>();
  readonly #deliveries = new Deliveries(this.#sessions, this.#clients);
  readonly #wills = new Wills<Identity>((identity, message) => this.#publishWill(identity, message));

  constructor(requestTopic: string, hooks: BrokerHooks<Identity>, limits: BrokerLimits) {
    this.#requestTopic = requestTopic;
    this.#requestTopicBytes = Buffer.from(requestTopic);
    this.#hooks = hooks;
    this.#limits = limits;
  }

  /** How many clients are logged in. */
  get clients(): number {
    return this.#clients.size;
  }

  client(clientId: string): BrokerClient<Identity> | undefined {
    return this.#clients.get(clientId);
  }

  accept(socket: Socket): void {
    const connection = new ClientConnection(
      joinWrites(socket, maxWaitingBytes(this.#limits.maximumPacketSize)),
      {
        packet: (packet) => this.#onPacket(connection, packet),
        closed: () => this.#onClosed(connection),
      },
      this.#limits.maximumPacketSize,
    );
    this.#connections.add(connection);
  }

  /** Drops sessions that have expired. */
  dropExpired(): void {
    this.#sessions.sweep(performance.now());
  }

  /** Ends all connections. */
  close(): void {
    this.#wills.clear();
    for (const connection of this.#connections) connection.socket.destroy();
  }

  /** See {@link Deliveries.send}. */
  send(publication: Publication): void {
    this.#deliveries.send(publication);
  }

  #onPacket(connection: ClientConnection, packet: Packet): void {
    const { data, start, body, end } = packet;
    const type = (data[start] as number) >> 4;
    const client = this.#clients.of(connection);
    if (!client) {
      if (type !== PacketType.CONNECT) throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
      this.#logIn(connection, readConnect(data, body, end));
      return;
    }
    const { version } = connection;
    switch (type) {
      case PacketType.PUBLISH:
        this.#onPublish(client, new Message(data, start, body, end, version), packet.arrivedAt);
        break;
      case PacketType.PUBACK:
        client.session.acknowledge(packets.readAcknowledgement(data, body, end, version));
        break;
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        // There is no QoS 2, so they acknowledge nothing.
        packets.readAcknowledgement(data, body, end, version);
        break;
      case PacketType.SUBSCRIBE: {
        const { packetId, filters } = packets.readSubscribe(data, body, end, version);
        this.#subscribe(client, packetId, filters);
        break;
      }
      case PacketType.UNSUBSCRIBE: {
        const { packetId, filters } = packets.readUnsubscribe(data, body, end, version);
        const codes = filters.map((filter) =>
          this.#sessions.unsubscribe(client.session, filter)
            ? ReasonCode.SUCCESS
            : ReasonCode.NO_SUBSCRIPTION_EXISTED,
        );
        connection.send(answers.unsuback(version, packetId, codes));
        break;
      }
      case PacketType.PINGREQ:
        packets.checkPing(body, end);
        connection.send(answers.PINGRESP);
        break;
      case PacketType.DISCONNECT:
        this.#onDisconnect(client, packets.readDisconnect(data, body, end, version));
        break;
      default:
        throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
    }
  }

  #logIn(connection: ClientConnection, connect: Connect): void {
    const { version } = connect;
    const assigned = connect.clientId === '' ? `auto-${randomUUID()}` : undefined;
    const clientId = assigned ?? connect.clientId;
    const identity = this.#identify(connection, connect, clientId);
    if (typeof identity === 'number') {
      connection.end(undefined, answers.refusedConnack(version, identity));
      return;
    }
    const before = this.#clients.get(clientId);
    if (before) {
      before.connection.end(ReasonCode.SESSION_TAKEN_OVER);
      this.#leave(before);
    }
    this.#wills.end(clientId, connect.cleanStart);
    // Sessions of MQTT 3 have no expiry: none is kept.
    const clean = connect.cleanStart || version < 5;
    const seconds = version < 5 ? 0 : Math.min(connect.sessionExpirySeconds, LONGEST_SESSION);
    const { session, isPresent } = this.#sessions.open(clientId, clean, performance.now());
    session.keepMs = seconds * 1000;
    connection.version = version;
    connection.receiveMaximum = connect.receiveMaximum;
    connection.maximumPacketSize = connect.maximumPacketSize;
    connection.keepAlive(connect.keepAliveSeconds);
    const client = { clientId, identity, connection, session, will: connect.will };
    this.#clients.add(client);
    connection.send(
      answers.connack(version, {
        ...this.#limits,
        ...{ sessionPresent: isPresent, sessionExpirySeconds: seconds, assignedClientId: assigned },
      }),
    );
    session.attach(connection);
    this.#hooks.came();
  }

  #identify({ socket }: ClientConnection, connect: Connect, clientId: string): Identity | number {
    if (connect.version !== 4 && connect.version !== 5) return ReasonCode.UNSUPPORTED_VERSION;
    if (connect.hasAuthenticationMethod) return ReasonCode.BAD_AUTHENTICATION_METHOD;
    if (connect.will?.qos === 2) return ReasonCode.QOS_NOT_SUPPORTED;
    return this.#hooks.logIn(clientId, connect, socket);
  }

  #onPublish(
    { identity, connection, session }: BrokerClient<Identity>,
    message: Message,
    arrivedAt: number,
  ): void {
    const isRequest = message.hasTopic(this.#requestTopicBytes);
    packets.checkPublish(message, isRequest);
    const { qos, packetId } = message;
    const reasonCode = this.#take(identity, isRequest ? this.#requestTopic : message.topic, message);
    if (qos === 1) connection.send(answers.puback(packetId, connection.version === 5 ? reasonCode : 0));
    if (reasonCode !== 0) return;
    if (isRequest) this.#hooks.request(identity, message, arrivedAt);
    if (!isRequest || this.#sessions.hasOthers(this.#requestTopic))
      this.#deliveries.forward(message, session);
  }

  /** Takes in a message, and keeps it if it is to be retained. Returns the reason code for its PUBACK. */
  #take(identity: Identity, topic: string, message: Message): number {
    if (message.qos === 1 && this.#hooks.refusesPublish()) return ReasonCode.QUOTA_EXCEEDED;
    if (topic.startsWith(SYSTEM_TOPICS) || !this.#hooks.mayPublish(identity, topic))
      return ReasonCode.NOT_AUTHORIZED;
    if (message.retain && !this.#retained.set(topic, message)) return ReasonCode.QUOTA_EXCEEDED;
    return ReasonCode.SUCCESS;
  }

  #subscribe(client: BrokerClient<Identity>, packetId: number, filters: packets.FilterOptions[]): void {
    const { identity, connection, session } = client;
    const overloaded = this.#hooks.refusesSubscribe();
    const retained: RetainedDelivery[] = [];
    const codes = filters.map((one) => {
      if (overloaded) return ReasonCode.QUOTA_EXCEEDED;
      if (one.filter.startsWith(SHARED)) return ReasonCode.SHARED_NOT_SUPPORTED;
      if (!this.#hooks.maySubscribe(identity, one.filter)) return ReasonCode.NOT_AUTHORIZED;
      const isNew = this.#sessions.subscribe(session, one);
      if (one.retainHandling === 0 || (one.retainHandling === 1 && isNew))
        for (const message of this.#retained.match(one.filter))
          retained.push({ message, qos: one.qos, identifier: one.identifier });
      return one.qos;
    });
    connection.send(answers.suback(connection.version, packetId, codes));
    this.#deliveries.sendRetained(session, connection.version, retained);
  }

  #onDisconnect(
    client: BrokerClient<Identity>,
    { reasonCode, sessionExpirySeconds }: { reasonCode: number; sessionExpirySeconds: number | undefined },
  ): void {
    if (sessionExpirySeconds !== undefined) {
      // MQTT 5 section 3.14.2.2.2.
      if (client.session.keepMs === 0 && sessionExpirySeconds > 0)
        throw new PacketFault(ReasonCode.PROTOCOL_ERROR);
      client.session.keepMs = Math.min(sessionExpirySeconds, LONGEST_SESSION) * 1000;
    }
    // MQTT 5 section 3.14.2.1.
    if (reasonCode !== ReasonCode.DISCONNECT_WITH_WILL) client.will = undefined;
    client.connection.end();
  }

  #onClosed(connection: ClientConnection): void {
    this.#connections.delete(connection);
    const client = this.#clients.of(connection);
    if (client) this.#leave(client);
  }

  /** The connection of a client ended, or its session goes over to another connection. */
  #leave(client: BrokerClient<Identity>): void {
    const { clientId, identity, session, will } = client;
    this.#clients.remove(client);
    this.#sessions.leave(session, performance.now());
    this.#hooks.gone(clientId);
    // MQTT 5 section 3.1.3.2.2: at the end of the session, if that comes before the delay has passed.
    if (will) this.#wills.wait(clientId, identity, will, Math.min(will.delayMs, session.keepMs));
  }

  #publishWill(identity: Identity, message: Message): void {
    if (this.#take(identity, message.topic, message) !== ReasonCode.SUCCESS) return;
    if (message.hasTopic(this.#requestTopicBytes)) this.#hooks.request(identity, message, performance.now());
    this.#deliveries.forward(message, undefined);
  }
}
