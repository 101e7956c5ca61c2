/**
 * The emulator: a state store engine behind an MQTT 5 broker on this machine. A development tool; the MQTT broker of Azure IoT Operations is
 * the product for real work.
 */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Message } from '../mqtt/publish';
import { REQUEST_TOPIC } from '../protocol/topics';
import { ReasonCode } from '../reason-codes';
import type { Principal, Rules } from './access/rules';
import { StateStoreEngine } from './engine';
import { exchange, notificationsOf } from './exchange';
import { type Damage, StoreFile, type StoreFileError } from './file/store-file';
import { type Identity, logIn } from './log-in';
import { MqttBroker } from './mqtt/mqtt-broker';
import type { Publication } from './mqtt/publication';
import {
  checkOptions,
  DEFAULT_EMULATOR_HOST,
  DEFAULT_EMULATOR_PORT,
  DEFAULT_MAXIMUM_PACKET_SIZE,
  type EmulatorOptions,
} from './options';
import { Overload, type OverloadOptions } from './overload';
import type { LoadedKey } from './store/change';
import { Repeats } from './store/repeats';

const MAX_TIMER_MS = 2 ** 31 - 1;
const SWEEP_MS = 1000;
/** Cost of a response that waits for the disk beside its payload, about. */
const OWED_BYTES = 256;

interface EmulatorEvents {
  /** The number of clients or keys may have changed. */
  change: [];
  /**
   * The file cannot be written. The emulator has disconnected every client, without a response to requests that are not on disk, and has
   * freed its port.
   */
  fault: [error: StoreFileError];
}

/** The file of an emulator, as it was found at the start. */
export interface EmulatorFile {
  /** Absolute path. */
  readonly path: string;
  /** How many keys it had. */
  readonly keys: number;
  /** What could not be read. `undefined`: nothing was damaged. */
  readonly damage: Damage | undefined;
}

/** A running emulator. Emits `change` when the number of clients or keys may have changed. */
export class Emulator extends EventEmitter<EmulatorEvents> {
  /** The state machine behind the broker. @internal */
  readonly engine: StateStoreEngine;
  readonly #broker: MqttBroker<Identity>;
  readonly #server: Server;
  readonly #rules: Rules | undefined;
  readonly #repeats: Repeats | undefined;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  readonly #publishes = new Overload();
  readonly #subscribes = new Overload();
  /** TCP connections, from the first moment on: also of those who have not logged in, or not ended their TLS handshake. */
  readonly #sockets = new Set<Socket>();
  /** The client whose request is served now. */
  #asking: Principal | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerDue = Number.POSITIVE_INFINITY;
  #port = 0;
  #file: StoreFile | undefined;

  private constructor(options: EmulatorOptions) {
    super();
    this.setMaxListeners(0);
    const { keyQuota, scan, rules, tls, maximumPacketSize = DEFAULT_MAXIMUM_PACKET_SIZE } = options;
    this.engine =
      options.engine ??
      new StateStoreEngine({
        ...(keyQuota !== undefined && { keyQuota }),
        ...(scan !== undefined && { scan }),
      });
    this.#rules = rules;
    this.#repeats = (options.recogniseRepeats ?? true) ? new Repeats() : undefined;
    this.#now = options.now ?? Date.now;
    this.#elapsed = options.elapsed ?? options.now ?? (() => performance.now());
    this.engine.authorize = rules
      ? (_clientId, access, key) => this.#asking !== undefined && rules.allowsKey(this.#asking, access, key)
      : () => true;
    this.#broker = this.#makeBroker({ maximumPacketSize, receiveMaximum: options.receiveMaximum });
    const accept = (socket: Socket) => this.#broker.accept(socket);
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
   * when a certificate or key is none. Rejects with `StoreFileError` if the file cannot be used, and with `BAD_ARGUMENT` that names the option
   * if an option is wrong.
   */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    checkOptions(options);
    const emulator = new Emulator(options);
    try {
      if (options.file !== undefined) await emulator.#openFile(options.file);
      if (options.load) emulator.#load(options.load);
      await emulator.#listen(options.port ?? DEFAULT_EMULATOR_PORT, options.host ?? DEFAULT_EMULATOR_HOST);
    } catch (error) {
      await emulator.close();
      throw error;
    }
    return emulator;
  }

  /** The TCP port, also after {@link close}. */
  get port(): number {
    return this.#port;
  }

  /** How many MQTT clients are connected. */
  get clients(): number {
    return this.#broker.clients;
  }

  /** Whether the client with this ID is connected here, over the TCP connection with these `ends` (`endsOf`, seen from the client). */
  serves(clientId: string, ends: string): boolean {
    return this.#broker.client(clientId)?.connection.clientEnds === ends;
  }

  /** The file that keeps the keys; `undefined` if they are kept in memory only. */
  get file(): EmulatorFile | undefined {
    return this.#file;
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

  /** {@link close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Disconnects every client and frees the port. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    this.#broker.close();
    // The broker does not know those whose TLS handshake has not ended.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #openFile(path: string): Promise<void> {
    this.#file = await StoreFile.open({
      ...{ path, engine: this.engine, now: this.#now, elapsed: this.#elapsed },
      onFault: (error) => void this.close().then(() => this.emit('fault', error)),
    });
  }

  #load(keys: readonly LoadedKey[]): void {
    this.engine.load(keys, this.#now(), this.#elapsed());
  }

  async #listen(port: number, host: string): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#sweep = setInterval(() => this.#dropExpired(), SWEEP_MS).unref();
  }

  #makeBroker(limits: {
    maximumPacketSize: number;
    receiveMaximum: number | undefined;
  }): MqttBroker<Identity> {
    const rules = this.#rules;
    return new MqttBroker(
      REQUEST_TOPIC,
      {
        logIn: (clientId, connect, socket) => logIn(rules, clientId, connect, socket),
        mayPublish: (client, topic) => rules?.allowsBroker(client.principal, 'Publish', topic) ?? true,
        maySubscribe: (client, filter) => rules?.allowsBroker(client.principal, 'Subscribe', filter) ?? true,
        refusesPublish: () => this.#publishes.refuses(),
        refusesSubscribe: () => this.#subscribes.refuses(),
        request: (client, message, arrivedAt) => this.#request(client, message, arrivedAt),
        came: () => this.emit('change'),
        gone: (clientId) => {
          this.engine.forget(clientId);
          this.emit('change');
        },
      },
      limits,
    );
  }

  /** Serves a request, unless its message expiry passed while it waited. */
  #request({ principal, reader }: Identity, message: Message, arrivedAt: number): void {
    const { clientId } = principal;
    const request = reader.read(message, clientId);
    const { messageExpiryInterval } = request;
    if (messageExpiryInterval !== undefined) {
      const lifeMs = Math.max(messageExpiryInterval, 1) * 1000;
      if (performance.now() - arrivedAt > lifeMs) return;
    }
    this.#asking = principal;
    const result = exchange(this.engine, request, this.#now(), this.#elapsed(), this.#repeats);
    if ('disconnect' in result) {
      this.#broker.client(clientId)?.connection.end(ReasonCode.TOPIC_NAME_INVALID);
      return;
    }
    this.#send(clientId, result.publish);
    this.#wakeAtExpiry();
    this.emit('change');
  }

  /** Sends when all that it may depend on is on disk. */
  #send(clientId: string | undefined, publications: Publication[]): void {
    const send = () => {
      for (const publication of publications) this.#broker.send(publication);
    };
    if (!this.#file) {
      send();
      return;
    }
    const owed = publications.reduce((sum, { payload }) => sum + payload.length, OWED_BYTES);
    const connection = clientId === undefined ? undefined : this.#broker.client(clientId)?.connection;
    connection?.owe(owed);
    this.#file.afterWrite(() => {
      send();
      connection?.owe(-owed);
    });
  }

  #expireKeys(): void {
    const { size } = this.engine;
    const notifications = this.engine.expire(this.#now(), this.#elapsed());
    if (notifications.length > 0) this.#send(undefined, notificationsOf(notifications));
    this.#wakeAtExpiry();
    if (this.engine.size !== size) this.emit('change');
  }

  /** Drops expired entries, also keys, so that the engine notices soon that a clock was set. */
  #dropExpired(): void {
    this.#broker.dropExpired();
    this.#repeats?.drop(this.#elapsed());
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
    }, wait);
  }
}
