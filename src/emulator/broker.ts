/**
 * The emulator: a state store engine behind an MQTT 5 broker (Aedes) on this machine. A development tool, kept in
 * memory; the MQTT broker of Azure IoT Operations is the product for real work.
 */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Aedes, Client } from 'aedes';
import { joinWrites } from '../mqtt/joined-writes';
import { REQUEST_TOPIC } from '../protocol/topics';
import { type BrokerClient, Delivery } from './delivery';
import { StateStoreEngine } from './engine';
import { exchange, notificationsOf, requestOf, type StoreRequest } from './exchange';
import { type ArrivedRequest, Gate } from './gate';
import { Overload, type OverloadOptions } from './overload';
import { TOPIC_NAME_INVALID } from './packet-check';
import { Repeats } from './repeats';
import type { Principal, Rules } from './rules';

export interface EmulatorOptions {
  /** TCP port, 0 to 65535; 0 lets the system choose. Default 1883. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1: this machine only, because anybody who reaches it may do anything. */
  host?: string;
  /** Speak TLS; plain TCP by default. */
  tls?: EmulatorTls;
  /** The wall clock, in milliseconds since 1970. Versions follow it. For tests. Default: the clock of this machine. */
  now?: () => number;
  /**
   * The monotonic clock, in milliseconds from any beginning. Expiry follows it. For tests. Default: `now` if that is given, so that one function
   * moves both, otherwise the monotonic clock of this machine.
   */
  elapsed?: () => number;
  /** The store to serve; a new, empty one by default. */
  engine?: StateStoreEngine;
  /** Users and rules; everybody may do anything by default. */
  rules?: Rules;
  /** Most keys the store holds; no limit by default. */
  keyQuota?: number;
  /** Whether SCAN (a list of the keys) is served; false answers "unknown command", as older brokers do. Default true. */
  scan?: boolean;
  /** Largest packet in bytes the broker accepts, also before log-in (MQTT 5 section 3.2.2.3.6), at least 1. Default 4 MiB. */
  maximumPacketSize?: number;
  /** Unacknowledged publishes the broker accepts per client (MQTT 5 section 3.2.2.3.3), 1 to 65535. */
  receiveMaximum?: number;
  /**
   * Whether a write that comes twice (same client, correlation data and `__ts`, before its message expiry) is executed once and answered
   * twice. Default true; false is for tests of clients.
   */
  recogniseRepeats?: boolean;
}

/** Certificate and private key of the emulator, PEM, and, where clients need a certificate, of the authorities that sign these. */
export interface EmulatorTls {
  cert: string | Buffer;
  key: string | Buffer;
  /** With it, a client without a certificate of these authorities is turned away. */
  ca?: string | Buffer;
}

export const DEFAULT_EMULATOR_PORT = 1883;
export const DEFAULT_EMULATOR_HOST = '127.0.0.1';
/** Largest packet in bytes. */
export const DEFAULT_MAXIMUM_PACKET_SIZE = 2 ** 22;
/** A client is disconnected when more bytes than that wait because it does not read. */
export const MOST_WAITING_BYTES = 2 ** 24;
/** Sessions of clients that are away: how long at most, in seconds, and how many. */
export const LONGEST_SESSION = 86_400;
export const MOST_SESSIONS = 1000;

/** MQTT 3.1.1 return codes, which Aedes turns into those of MQTT 5. */
const BAD_PASSWORD = 4;
const NOT_AUTHORIZED = 5;
const MAX_TIMER_MS = 2 ** 31 - 1;
const SWEEP_MS = 1000;
const SYSTEM_TOPICS = '$SYS/';
const PUBACK = 0x40;

/** A running emulator. Emits `change` when the number of clients or keys may have changed. */
export class Emulator extends EventEmitter<{ change: [] }> {
  readonly engine: StateStoreEngine;
  readonly #broker: Aedes;
  readonly #delivery: Delivery;
  readonly #server: Server;
  readonly #rules: Rules | undefined;
  readonly #repeats: Repeats | undefined;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #publishes = new Overload();
  readonly #subscribes = new Overload();
  /** TCP connections, from the first moment on: also of those who have not logged in, or not ended their TLS handshake. */
  readonly #sockets = new Set<Socket>();
  readonly #clients = new WeakMap<Gate, BrokerClient>();
  readonly #principals = new WeakMap<Client, Principal>();
  readonly #sweep = setInterval(() => this.#dropExpired(), SWEEP_MS).unref();
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  private constructor(broker: Aedes, delivery: Delivery, options: EmulatorOptions) {
    super();
    this.setMaxListeners(0);
    const { keyQuota, scan, rules, tls, maximumPacketSize = DEFAULT_MAXIMUM_PACKET_SIZE } = options;
    this.engine =
      options.engine ??
      new StateStoreEngine({
        ...(keyQuota !== undefined && { keyQuota }),
        ...(scan !== undefined && { scan }),
      });
    this.#broker = broker;
    this.#delivery = delivery;
    this.#rules = rules;
    this.#repeats = (options.recogniseRepeats ?? true) ? new Repeats() : undefined;
    this.#now = options.now ?? Date.now;
    this.#elapsed = options.elapsed ?? options.now ?? (() => performance.now());
    this.engine.authorize = rules
      ? (clientId, access, key) =>
          rules.allowsKey(this.#principalOf(delivery.client(clientId) ?? null), access, key)
      : () => true;
    const accept = (socket: Socket) => this.#accept(socket, maximumPacketSize);
    this.#server = tls
      ? createTlsServer({ ...tls, requestCert: tls.ca !== undefined, noDelay: true }, accept)
      : createServer({ noDelay: true }, accept);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Starts an emulator. Rejects with Node's `EADDRINUSE` or `EACCES` error when the port cannot be had, and with that of OpenSSL
   * when a certificate or key is none.
   */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const { Aedes } = await import('aedes');
    const delivery = new Delivery();
    const broker = await Aedes.createBroker({
      mq: delivery.router,
      persistence: delivery.sessions,
      maximumPacketSize: options.maximumPacketSize ?? DEFAULT_MAXIMUM_PACKET_SIZE,
      receiveMaximum: options.receiveMaximum ?? 0,
      sessionExpiryIntervalLimit: LONGEST_SESSION,
      pendingSessionsLimit: MOST_SESSIONS,
    });
    delivery.attach(broker);
    let emulator: Emulator | undefined;
    try {
      emulator = new Emulator(broker, delivery, options);
      await emulator.#listen(options.port ?? DEFAULT_EMULATOR_PORT, options.host ?? DEFAULT_EMULATOR_HOST);
    } catch (error) {
      if (emulator) await emulator.close();
      else broker.close();
      throw error;
    }
    return emulator;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many MQTT clients are connected. */
  get clients(): number {
    return this.#broker.connectedClients;
  }

  /** Whether the client with this ID is connected here, over the TCP connection with these `ends` (`endsOf`, seen from the client). */
  serves(clientId: string, ends: string): boolean {
    const client = this.#delivery.client(clientId);
    return client?.connected === true && client.conn instanceof Gate && client.conn.clientEnds === ends;
  }

  /** How many keys the store holds. */
  get keys(): number {
    return this.engine.size;
  }

  /**
   * For a while, answers each QoS 1 PUBLISH, or a share of them, with PUBACK 0x97 (quota exceeded) and drops it, as the MQTT broker of Azure IoT
   * Operations does from 75 % of its buffer on. For tests of clients.
   */
  rejectPublishes(options: OverloadOptions): void {
    this.#publishes.begin(options);
  }

  /** For a while, answers each SUBSCRIBE, or a share of them, with SUBACK 0x97 (quota exceeded). For tests of clients. */
  rejectSubscribes(options: OverloadOptions): void {
    this.#subscribes.begin(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Disconnects every client and frees the port. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    await new Promise<void>((resolve) => this.#broker.close(resolve));
    // Aedes knows only those who have logged in; the server waits for all.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #listen(port: number, host: string): Promise<void> {
    this.#broker.on('clientReady', (client) => {
      if (client.conn instanceof Gate) client.conn.ready(client.id);
      this.emit('change');
    });
    this.#broker.on('clientDisconnect', (client) => {
      this.engine.forget(client.id);
      if (client.clean) this.#delivery.sessions.end(client.id);
      this.emit('change');
    });
    // A client that breaks the protocol is disconnected by Aedes; nothing else is to be done about it here.
    this.#broker.on('clientError', () => undefined);
    this.#broker.on('connectionError', () => undefined);
    (this.#broker as EventEmitter).on('error', (error: Error) => process.emitWarning(error));
    this.#hook();
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  #accept(socket: Socket, largestPacket: number): void {
    const gate = new Gate(
      joinWrites(socket, MOST_WAITING_BYTES),
      {
        heard: () => this.#clients.get(gate)?._keepaliveTimer?.refresh(),
        request: (request) => this.#request(gate, request),
        acknowledged: (clientId, packetId) => this.#delivery.sessions.acknowledge(clientId, packetId),
        refusesPublish: () => this.#publishes.refuses(),
        refusesSubscribe: () => this.#subscribes.refuses(),
        fault: (reasonCode) => this.#disconnect(gate, reasonCode),
      },
      largestPacket,
    );
    this.#clients.set(gate, this.#broker.handle(gate) as BrokerClient);
  }

  /** Asks the rules at log-in, publish and subscribe. */
  #hook(): void {
    const rules = this.#rules;
    this.#broker.preConnect = (client, packet, done) => {
      // No prototype: a topic may be called "constructor".
      Object.assign(client, { subscriptions: Object.create(null) });
      // Sessions of MQTT 3 have no expiry: none is kept.
      if ((packet.protocolVersion ?? 5) < 5) packet.clean = true;
      done(null, true);
    };
    this.#broker.authorizePublish = (client, packet, done) => {
      const isAllowed = !packet.topic.startsWith(SYSTEM_TOPICS) && this.#mayPublish(client, packet.topic);
      done(isAllowed ? null : new Error('not authorized'));
      // Requests of connected clients came through the gate. The last will of a client may be one as well.
      const isWill = packet.cmd !== 'publish';
      if (!isAllowed || !isWill || packet.topic !== REQUEST_TOPIC || !client) return;
      const request = requestOf(client.id, packet);
      if (request) this.#serve(request);
    };
    if (!rules) return;
    this.#broker.authenticate = (client, username, password, done) => {
      const attributes = rules.logIn(username, password?.toString());
      const principal = {
        clientId: client.id,
        ...(username !== undefined && { username }),
        attributes: attributes ?? {},
      };
      this.#principals.set(client, principal);
      const known = attributes !== undefined && rules.allowsBroker(principal, 'Connect');
      const refusal = Object.assign(new Error('not authorized'), {
        returnCode: attributes ? NOT_AUTHORIZED : BAD_PASSWORD,
      });
      done(known ? null : refusal, known);
    };
    this.#broker.authorizeSubscribe = (client, subscription, done) => {
      const isAllowed = rules.allowsBroker(this.#principalOf(client), 'Subscribe', subscription.topic);
      done(null, isAllowed ? subscription : null);
    };
  }

  #principalOf(client: Client | null): Principal {
    return (client && this.#principals.get(client)) ?? { clientId: client?.id ?? '', attributes: {} };
  }

  #mayPublish(client: Client | null, topic: string): boolean {
    return (
      !this.#rules || client === null || this.#rules.allowsBroker(this.#principalOf(client), 'Publish', topic)
    );
  }

  /** Serves a request; returns whether Aedes need not see it. */
  #request(gate: Gate, request: ArrivedRequest): boolean {
    const client = this.#clients.get(gate);
    // Aedes refuses it with PUBACK 0x87.
    if (!client || !this.#mayPublish(client, REQUEST_TOPIC)) return false;
    const { qos, packetId, messageExpiryInterval, arrivedAt } = request;
    const isDone = qos < 2 && !this.#delivery.hasOthers(REQUEST_TOPIC);
    if (isDone && qos === 1) gate.send(puback(packetId));
    const isInTime =
      messageExpiryInterval === undefined ||
      performance.now() - arrivedAt <= Math.max(messageExpiryInterval, 1) * 1000;
    if (isInTime) this.#serve(request);
    return isDone;
  }

  #serve(request: StoreRequest): void {
    const result = exchange(this.engine, request, this.#now(), this.#elapsed(), this.#repeats);
    if ('disconnect' in result) {
      this.#delivery.client(request.clientId)?.disconnect({ reasonCode: TOPIC_NAME_INVALID });
      return;
    }
    for (const publication of result.publish) this.#delivery.send(publication);
    this.#wakeAtExpiry();
    this.emit('change');
  }

  #disconnect(gate: Gate, reasonCode: number): void {
    const client = this.#clients.get(gate);
    if (client?.connected) client.disconnect({ reasonCode });
    else gate.destroy();
  }

  #expireKeys(): void {
    const notifications = this.engine.expire(this.#now(), this.#elapsed());
    for (const publication of notificationsOf(notifications)) this.#delivery.send(publication);
    this.#wakeAtExpiry();
  }

  /** What expired and nobody asks for; keys too, so that the engine sees soon that a clock was set. */
  #dropExpired(): void {
    this.#repeats?.drop(this.#elapsed());
    this.#delivery.sessions.dropExpired(Date.now());
    this.#expireKeys();
  }

  /** One timer for all keys, set to the first one that expires. */
  #wakeAtExpiry(): void {
    const next = this.engine.nextExpiryElapsedMs ?? Number.POSITIVE_INFINITY;
    if (next === this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(next - this.#elapsed(), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#expireKeys();
      this.emit('change');
    }, wait);
  }
}

function puback(packetId: number): Buffer {
  const packet = Buffer.allocUnsafe(4);
  packet[0] = PUBACK;
  packet[1] = 2;
  packet.writeUInt16BE(packetId, 2);
  return packet;
}
