/**
 * The emulator: a state store engine behind an MQTT 5 broker on this machine. A development tool; the MQTT broker of Azure IoT Operations is
 * the product for real work.
 */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';
import type { Message } from '../mqtt/publish';
import { REQUEST_TOPIC } from '../protocol/topics';
import { Reason } from './broker-packets';
import type { LoadedKey } from './change';
import type { Connect } from './client-packets';
import { StateStoreEngine } from './engine';
import { exchange, notificationsOf, RequestReader } from './exchange';
import { MqttBroker } from './mqtt-broker';
import { Overload, type OverloadOptions } from './overload';
import type { Publication } from './publication';
import { Repeats } from './repeats';
import type { Principal, Rules } from './rules';
import { type Damage, StoreFile, type StoreFileError } from './store-file';

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
  /** The store to serve; a new, empty one by default. @internal */
  engine?: StateStoreEngine;
  /**
   * Path of a file that keeps the keys. A write is on disk before its response is sent. One process at a time can use the file. By default keys
   * are kept in memory only.
   */
  file?: string;
  /** Keys to set at the start, over those that are there. */
  load?: readonly LoadedKey[];
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
  /** The certificate, as PEM. */
  cert: string | Buffer;
  /** Its private key, as PEM. */
  key: string | Buffer;
  /** With it, a client without a certificate of these authorities is turned away. */
  ca?: string | Buffer;
}

export const DEFAULT_EMULATOR_PORT = 1883;
export const DEFAULT_EMULATOR_HOST = '127.0.0.1';
/** Largest packet in bytes. */
export const DEFAULT_MAXIMUM_PACKET_SIZE = 2 ** 22;
const MAX_TIMER_MS = 2 ** 31 - 1;
const SWEEP_MS = 1000;
/** Cost of a response that waits for the disk beside its payload, about. */
const OWED_BYTES = 256;

/** A client that is logged in. */
interface Identity {
  principal: Principal;
  reader: RequestReader;
}

const NOBODY: Principal = { clientId: '', attributes: {} };

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
  #asking: Principal = NOBODY;
  readonly #sweep: NodeJS.Timeout;
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
      ? (_clientId, access, key) => rules.allowsKey(this.#asking, access, key)
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
    this.#sweep = setInterval(() => this.#dropExpired(), SWEEP_MS).unref();
  }

  /**
   * Starts an emulator. Rejects with Node's `EADDRINUSE` or `EACCES` error when the port cannot be had, and with that of OpenSSL
   * when a certificate or key is none. Rejects with `StoreFileError` if the file cannot be used.
   */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
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
  }

  #makeBroker(limits: {
    maximumPacketSize: number;
    receiveMaximum: number | undefined;
  }): MqttBroker<Identity> {
    const rules = this.#rules;
    return new MqttBroker(
      REQUEST_TOPIC,
      {
        logIn: (clientId, connect, socket) => this.#logIn(clientId, connect, socket),
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

  /** Returns the reason code of a refusal as a number. */
  #logIn(clientId: string, { username, password }: Connect, socket: Socket): Identity | number {
    const reader = new RequestReader();
    const rules = this.#rules;
    if (!rules) return { principal: { clientId, attributes: {} }, reader };
    // With X.509, the common name is the user name.
    const certificateName = username === undefined ? commonNameOf(socket) : undefined;
    const attributes =
      certificateName === undefined
        ? rules.logIn(username, password?.toString())
        : rules.attributesOf(certificateName);
    if (!attributes) return Reason.BAD_CREDENTIALS;
    const name = username ?? certificateName;
    const principal = { clientId, attributes, ...(name !== undefined && { username: name }) };
    return rules.allowsBroker(principal, 'Connect') ? { principal, reader } : Reason.NOT_AUTHORIZED;
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
      this.#broker.client(clientId)?.connection.end(Reason.TOPIC_NAME_INVALID);
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

  /** What expired and nobody asks for; keys too, so that the engine sees soon that a clock was set. */
  #dropExpired(): void {
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

/** The common name of the client's certificate, if it showed one that the authorities signed. */
function commonNameOf(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
