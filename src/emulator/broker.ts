/**
 * The emulator: a state store engine behind an MQTT 5 broker (Aedes) on this machine. A development tool, kept in
 * memory; the MQTT broker of Azure IoT Operations is the product for real work.
 */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Aedes, AedesPublishPacket, Client } from 'aedes';
import { joinWrites } from '../mqtt/joined-writes';
import { REQUEST_TOPIC } from '../protocol/topics';
import { StateStoreEngine } from './engine';
import { exchange, notificationsOf, type Publication } from './exchange';
import type { Principal, Rules } from './rules';

export interface EmulatorOptions {
  /** TCP port, 0 to 65535; 0 lets the system choose. Default 1883. */
  port?: number;
  /** Address to listen on. Default 127.0.0.1: this machine only, because anybody who reaches it may do anything. */
  host?: string;
  /** Tells the time in milliseconds since 1970; the clock of this machine by default. For tests of expiry. */
  now?: () => number;
  /** The store to serve; a new, empty one by default. */
  engine?: StateStoreEngine;
  /** Users and rules; everybody may do anything by default. */
  rules?: Rules;
  /** Most keys the store holds; no limit by default. */
  keyQuota?: number;
  /** Largest packet in bytes the broker accepts (MQTT 5 section 3.2.2.3.6); no limit by default. */
  maximumPacketSize?: number;
  /** Unacknowledged publishes the broker accepts per client (MQTT 5 section 3.2.2.3.3), 1 to 65535. */
  receiveMaximum?: number;
}

export const DEFAULT_EMULATOR_PORT = 1883;
export const DEFAULT_EMULATOR_HOST = '127.0.0.1';

const TOPIC_NAME_INVALID = 0x90;
/** MQTT 3.1.1 return codes, which Aedes turns into those of MQTT 5. */
const BAD_PASSWORD = 4;
const NOT_AUTHORIZED = 5;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A running emulator. Emits `change` when the number of clients or keys may have changed. */
export class Emulator extends EventEmitter<{ change: [] }> {
  readonly engine: StateStoreEngine;
  readonly #broker: Aedes;
  readonly #server: Server;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;

  private constructor(engine: StateStoreEngine, broker: Aedes, now: () => number) {
    super();
    this.setMaxListeners(0);
    this.engine = engine;
    this.#broker = broker;
    this.#now = now;
    this.#server = createServer({ noDelay: true }, (socket) => void broker.handle(joinWrites(socket)));
  }

  /** Starts an emulator. Rejects with Node's `EADDRINUSE` or `EACCES` error when the port cannot be had. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const { Aedes } = await import('aedes');
    const broker = await Aedes.createBroker({
      maximumPacketSize: options.maximumPacketSize ?? 0,
      receiveMaximum: options.receiveMaximum ?? 0,
    });
    const quota = options.keyQuota === undefined ? {} : { keyQuota: options.keyQuota };
    const emulator = new Emulator(
      options.engine ?? new StateStoreEngine(quota),
      broker,
      options.now ?? Date.now,
    );
    emulator.engine.authorize = () => true;
    if (options.rules) emulator.#enforce(options.rules);
    try {
      await emulator.#listen(options.port ?? DEFAULT_EMULATOR_PORT, options.host ?? DEFAULT_EMULATOR_HOST);
    } catch (error) {
      await emulator.close();
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

  /** How many keys the store holds. */
  get keys(): number {
    return this.engine.size;
  }

  /** Disconnects every client and frees the port. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    await new Promise<void>((resolve) => this.#broker.close(resolve));
    await closed;
  }

  async #listen(port: number, host: string): Promise<void> {
    await new Promise<void>((resolve) =>
      this.#broker.subscribe(REQUEST_TOPIC, (packet, done) => this.#serve(packet, done), resolve),
    );
    this.#broker.on('clientReady', () => this.emit('change'));
    this.#broker.on('clientDisconnect', (client) => {
      this.engine.forget(client.id);
      this.emit('change');
    });
    // A client that breaks the protocol is disconnected by Aedes; nothing else is to be done about it here.
    this.#broker.on('clientError', () => undefined);
    this.#broker.on('connectionError', () => undefined);
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  /** Asks the rules at log-in, publish, subscribe, and for every key. */
  #enforce(rules: Rules): void {
    const principals = new WeakMap<Client, Principal>();
    const principalOf = (client: Client | null): Principal =>
      (client && principals.get(client)) ?? { clientId: client?.id ?? '', attributes: {} };
    this.#broker.authenticate = (client, username, password, done) => {
      const attributes = rules.logIn(username, password?.toString());
      const principal = {
        clientId: client.id,
        ...(username !== undefined && { username }),
        attributes: attributes ?? {},
      };
      principals.set(client, principal);
      const known = attributes !== undefined && rules.allowsBroker(principal, 'Connect');
      const refusal = Object.assign(new Error('not authorized'), {
        returnCode: attributes ? NOT_AUTHORIZED : BAD_PASSWORD,
      });
      done(known ? null : refusal, known);
    };
    this.#broker.authorizePublish = (client, packet, done) => {
      const allowed = client === null || rules.allowsBroker(principalOf(client), 'Publish', packet.topic);
      done(allowed ? null : new Error('not authorized'));
    };
    this.#broker.authorizeSubscribe = (client, subscription, done) => {
      done(
        null,
        rules.allowsBroker(principalOf(client), 'Subscribe', subscription.topic) ? subscription : null,
      );
    };
    this.engine.authorize = (clientId, access, key) =>
      rules.allowsKey(principalOf(this.#client(clientId) ?? null), access, key);
  }

  #serve(packet: AedesPublishPacket & { clientId?: string }, done: () => void): void {
    const clientId = packet.clientId ?? '';
    const result = exchange(this.engine, clientId, packet, this.#now());
    if ('disconnect' in result) {
      this.#client(clientId)?.disconnect({ reasonCode: TOPIC_NAME_INVALID });
    } else {
      this.#publish(result.publish);
      this.#wakeAtExpiry();
      this.emit('change');
    }
    done();
  }

  #publish(publications: Publication[]): void {
    for (const { topic, payload, properties } of publications) {
      const packet = { cmd: 'publish' as const, qos: 1 as const, dup: false, retain: false };
      this.#broker.publish({ ...packet, topic, payload, properties }, () => undefined);
    }
  }

  /** One timer for all keys, set to the first one that expires. */
  #wakeAtExpiry(): void {
    const next = this.engine.nextExpiry ?? Number.POSITIVE_INFINITY;
    if (next === this.#timerDue) return;
    clearTimeout(this.#timer);
    this.#timerDue = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(Math.max(next - this.#now(), 0), MAX_TIMER_MS);
    this.#timer = setTimeout(() => {
      this.#timerDue = Number.POSITIVE_INFINITY;
      this.#publish(notificationsOf(this.engine.expire(this.#now())));
      this.#wakeAtExpiry();
      this.emit('change');
    }, wait);
  }

  /** Aedes keeps its clients by ID; its types do not mention it. */
  #client(clientId: string): Client | undefined {
    return (this.#broker as Aedes & { clients: Record<string, Client | undefined> }).clients[clientId];
  }
}
