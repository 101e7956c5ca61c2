/**
 * One MQTT connection to the broker: opens it, subscribes to the response topic, opens it again when it is lost.
 * It is usable (`connected`) only after the broker granted the subscription. It knows nothing of requests.
 *
 * MQTT.js reconnects on its own terms (not at all after a refused log-in), so its reconnecting is switched off
 * (`reconnectPeriod: 0`) and `reconnect()` is called from here, with secrets that were just read.
 */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { IClientOptions, Packet } from 'mqtt';
import type * as authenticating from './authenticating-client';
import { pauseBefore } from './backoff';
import {
  ConnectionError,
  connectionError,
  endedBy,
  type Progress,
  subscriptionError,
  timeoutError,
} from './connection-error';
import { Ghosts } from './ghosts';
import { type Login, SAT_METHOD, type TlsOptions } from './login';
import { PacketIds } from './packet-ids';
import { PacketStream } from './packet-stream';
import type { Message } from './publish';
import { readSecrets, type Secrets } from './secrets';
import { TokenWatch } from './token-watch';
import { type Address, endsOf, openSocket, openTransport, resetTransport, untilConnected } from './transport';

export interface ConnectionOptions extends Address {
  /** Gives host and port of the next attempt, instead of those above. */
  locate: (() => Promise<Address>) | undefined;
  clientId: string;
  tls: TlsOptions | undefined;
  login: Login;
  /** Topic the responses arrive on; subscribed with QoS 1 on every connection. */
  responseTopic: string;
  /** Seconds between pings, 0 to 65535 (MQTT 5 section 3.1.2.10). */
  keepAlive: number;
  /** Whether the first connection begins a new session (MQTT 5 section 3.1.2.4). Later ones resume it. */
  cleanStart: boolean;
  /** Seconds the broker keeps the session after the connection is lost (MQTT 5 section 3.1.2.11.2). */
  sessionExpiry: number;
  /** Milliseconds an attempt may take until the broker granted the subscription, and any later subscription may take. */
  connectTimeout: number;
}

/**
 * `closed`: not opened, or ended for good. `connecting`: an attempt is under way; `reason` is why the one before it, or the
 * connection, ended. `connected`: usable; `resumed` tells whether the broker kept the session of an earlier connection. `disconnected`: the last attempt or connection ended for `reason`, the next attempt
 * follows by itself. `stopped`: it ended for `reason`, and no attempt follows.
 */
export type ConnectionState =
  | { kind: 'closed' }
  | { kind: 'connecting'; reason?: ConnectionError }
  | { kind: 'connected'; resumed: boolean }
  | { kind: 'disconnected'; reason: ConnectionError }
  | { kind: 'stopped'; reason: ConnectionError };

interface ConnectionEvents {
  state: [state: ConnectionState];
  /**
   * The broker accepted the log-in, and kept the session or not (MQTT 5 section 3.2.2.1.1). Requests may be sent only once the
   * state is `connected`.
   */
  session: [present: boolean];
  /** What came on any other topic than that of the responses. */
  message: [message: Message];
}

/** Who made the requests. Plain calls, because every request has one of each. */
export interface RequestHandlers {
  /** A message on the topic of the responses. */
  response(message: Message): void;
  /** The broker acknowledged a publish. Reason codes: MQTT 5 section 3.4.2.1. */
  puback(packetId: number, reasonCode: number): void;
  /** Whether a packet identifier must not be given out now. */
  isTaken(packetId: number): boolean;
}

/** Bytes of the largest packet there is: a byte, a remaining length of four bytes, and what that can tell (MQTT 5 section 1.5.5). */
const LARGEST_PACKET = 1 + 4 + 268_435_455;
const RECEIVE_MAXIMUM_DEFAULT = 65_535;
const GOODBYE_MS = 500;
/**
 * A connection that lasted this long was a good one: the next pause is the shortest again. A broker that sends a client away does so
 * at once; a network that is cut again and again must not make the pauses grow.
 */
const STABLE_MS = 250;
/** MQTT.js times an attempt as far as CONNACK only; {@link Connection} times all of it. */
const NEVER_MS = 2 ** 31 - 1;

type AuthenticatingClient = authenticating.AuthenticatingClient;

/** MQTT.js is loaded with the first connection: it takes longer than all the rest, and a program may have no use for one. */
const loadMqtt = (): typeof authenticating => require('./authenticating-client');

export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  /** Of this attempt. */
  #address: Address;
  readonly #responseTopic: Buffer;
  readonly #packetIds: PacketIds;
  #handlers: RequestHandlers | undefined;
  #mqtt: AuthenticatingClient | undefined;
  /** TCP until it is connected, then with TLS where that is wanted. */
  #socket: Socket | undefined;
  #stream: PacketStream | undefined;
  #secrets: Secrets | undefined;
  #tokens: TokenWatch | undefined;
  #state: ConnectionState = { kind: 'closed' };
  #reason: ConnectionError | undefined;
  #hadSession = false;
  #resumed = false;
  readonly #ghosts = new Ghosts();
  #attempt = 0;
  /** On the monotonic clock, in milliseconds. */
  #attemptedAt = 0;
  #connectedAt: number | undefined;
  #progress: Progress = 'login';
  #timer: NodeJS.Timeout | undefined;
  /** Runs while an attempt does. */
  #attemptTimer: NodeJS.Timeout | undefined;
  #ended = false;
  /** The newest token on disk; `undefined` when none came since the last log-in began. */
  #newToken: Buffer | undefined;
  /** Set while a re-authentication waits for the broker. */
  #authAnswer: ((reasonCode: number) => void) | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.#address = options;
    this.#responseTopic = Buffer.from(options.responseTopic);
    this.#packetIds = new PacketIds((packetId) => this.#handlers?.isTaken(packetId) === true);
  }

  /** Says once, before anything is published, who makes the requests. */
  serve(handlers: RequestHandlers): void {
    this.#handlers = handlers;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** How many publishes the broker takes before it acknowledges one (MQTT 5 section 3.2.2.3.3). */
  get receiveMaximum(): number {
    return this.#mqtt?.serverProperties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT;
  }

  /** Largest packet in bytes the broker takes (MQTT 5 section 3.2.2.3.6). */
  get maximumPacketSize(): number {
    return Math.min(this.#mqtt?.serverProperties?.maximumPacketSize ?? LARGEST_PACKET, LARGEST_PACKET);
  }

  /** Bytes received on this connection so far, and bytes to be sent that the system has not taken. */
  get traffic(): { received: number; unsent: number } {
    return { received: this.#socket?.bytesRead ?? 0, unsent: this.#socket?.writableLength ?? 0 };
  }

  /** Tells this connection from every other one of this machine: see {@link endsOf}. */
  get ends(): string | undefined {
    return this.#socket && endsOf(this.#socket);
  }

  /**
   * Whether waiting is in vain: the broker refuses what only a person can change. A token is not among that, because it is
   * renewed by itself.
   */
  get refused(): boolean {
    const state = this.#state;
    if (state.kind !== 'disconnected' || state.reason.retry !== 'slowly') return false;
    const { stage } = state.reason;
    return stage === 'subscription' || (stage === 'login' && this.#options.login.tokenFile === undefined);
  }

  /**
   * Why there is no connection, as far as it is known: of an attempt that goes on, why the one before it failed, or else how far it
   * has come without an answer. Nothing while there is one, or none is wanted.
   */
  get obstacle(): ConnectionError | undefined {
    const state = this.#state;
    if ('reason' in state && state.reason) return state.reason;
    if (state.kind !== 'connecting') return undefined;
    return timeoutError(this.#address, this.#progress, Math.ceil(performance.now() - this.#attemptedAt));
  }

  /** Begins to connect; returns at once. */
  open(): void {
    if (this.#state.kind !== 'closed' || this.#ended) return;
    const { tokenFile } = this.#options.login;
    if (tokenFile !== undefined)
      this.#tokens = new TokenWatch(tokenFile, (token) => this.#onTokenChange(token));
    void this.#connect();
  }

  /** A packet identifier for a publish. */
  newPacketId(): number {
    return this.#packetIds.allocate();
  }

  /** Sends a whole PUBLISH packet; call it only while connected, or when the session was kept. */
  publish(packet: Buffer): void {
    this.#stream?.send(packet);
  }

  /**
   * Subscribes with QoS 1 for as long as this connection lasts. Rejects with a {@link ConnectionError} when refused or lost. A
   * broker that does not answer in time is given up.
   */
  async subscribe(filter: string): Promise<void> {
    const mqtt = this.#mqtt as AuthenticatingClient;
    const { connectTimeout } = this.#options;
    const unanswered = setTimeout(
      () => this.drop(`the broker did not answer the subscription to ${filter} within ${connectTimeout} ms`),
      connectTimeout,
    );
    try {
      await mqtt.subscribeAsync(filter, { qos: 1 });
    } catch (error) {
      throw mqtt.connected
        ? subscriptionError(this.#where, filter, error as Error)
        : connectionError(undefined, this.#address, 'session');
    } finally {
      clearTimeout(unanswered);
    }
  }

  /** Gives up a connection that does not move any more; the next attempt follows by itself. */
  drop(why: string): void {
    if (this.#state.kind !== 'connected') return;
    this.#reason ??= new ConnectionError('lost', `The connection to ${this.#where} was given up: ${why}`, '');
    this.#giveUp();
  }

  /** Ends the connection and the session at the broker. Resolves when the socket is closed. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#attemptTimer);
    this.#tokens?.stop();
    const polite = this.#state.kind === 'connected';
    this.#setState({ kind: 'closed' });
    const socket = this.#socket;
    // MQTT.js would wait for the answer to a SUBSCRIBE, though none can come any more; the socket tells the end in any case.
    const closed = new Promise<void>((resolve) => {
      if (!socket || socket.closed) resolve();
      else socket.once('close', () => resolve());
    });
    // A peer that no longer reads must not hold us up, nor get what it has not read when its senders were told otherwise.
    const impatient = setTimeout(() => this.#giveUp(), GOODBYE_MS);
    if (!polite) this.#giveUp();
    this.#mqtt?.end(!polite, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    await closed;
    clearTimeout(impatient);
  }

  async #connect(): Promise<void> {
    this.#authAnswer = undefined;
    this.#newToken = undefined;
    const before = this.#state;
    this.#setState({ kind: 'connecting', ...(before.kind === 'disconnected' && { reason: before.reason }) });
    this.#progress = 'network';
    this.#attemptedAt = performance.now();
    try {
      this.#address = (await this.#options.locate?.()) ?? this.#options;
      const secrets = await readSecrets(this.#options.tls, this.#options.login);
      if (this.#ended) return;
      this.#secrets = secrets;
      if (secrets.token) this.#tokens?.know(secrets.token);
      this.#limitAttempt();
      this.#socket = openSocket(this.#address);
      const connected = untilConnected(this.#socket);
      loadMqtt(); // while the system connects
      await connected;
      if (this.#ended) return;
      if (this.#mqtt) {
        Object.assign(this.#mqtt.options, this.#logIn(secrets));
        this.#mqtt.reconnect();
      } else {
        this.#mqtt = this.#newClient(secrets);
      }
    } catch (error) {
      this.#giveUp();
      this.#attemptFailed(error);
    }
  }

  /** An attempt that hangs ends in its time, wherever it does. */
  #limitAttempt(): void {
    const { connectTimeout } = this.#options;
    this.#attemptTimer = setTimeout(() => {
      this.#reason ??= timeoutError(this.#address, this.#progress, connectTimeout);
      if (this.#progress === 'login') this.#ghosts.add(this.#mqtt?.options.clean === true);
      this.#giveUp();
    }, connectTimeout);
  }

  /** What goes into CONNECT and may differ from attempt to attempt. */
  #logIn({ username, password, token }: Secrets): IClientOptions {
    return {
      clean: this.#options.cleanStart && !this.#hadSession,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      properties: {
        sessionExpiryInterval: this.#options.sessionExpiry,
        ...(token && { authenticationMethod: SAT_METHOD, authenticationData: token }),
      },
    };
  }

  #newClient(secrets: Secrets): AuthenticatingClient {
    const { AuthenticatingClient } = loadMqtt();
    const mqtt = new AuthenticatingClient(() => this.#openStream(), {
      protocolVersion: 5,
      clientId: this.#options.clientId,
      keepalive: this.#options.keepAlive,
      connectTimeout: NEVER_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      messageIdProvider: this.#packetIds,
      log: () => undefined,
      ...this.#logIn(secrets),
    });
    mqtt.on('packetreceive', (packet) => this.#onPacket(packet));
    mqtt.on('connect', () => void this.#listen());
    mqtt.on('error', (error) => {
      this.#reason ??= this.#explain(error);
    });
    mqtt.on('close', () => this.#attemptFailed());
    mqtt.onAuth = (reasonCode) => this.#onAuth(reasonCode);
    return mqtt;
  }

  #openStream(): PacketStream {
    const secure = this.#secrets?.secure;
    this.#progress = secure ? 'handshake' : 'login';
    const socket = openTransport(this.#socket as Socket, this.#address, secure);
    this.#socket = socket;
    socket.once('secureConnect', () => {
      this.#progress = 'login';
    });
    this.#stream = new PacketStream(socket, {
      message: (message) => this.#onMessage(message),
      puback: (packetId, reasonCode) => this.#handlers?.puback(packetId, reasonCode),
    });
    return this.#stream;
  }

  #onMessage(message: Message): void {
    if (message.hasTopic(this.#responseTopic)) this.#handlers?.response(message);
    else this.emit('message', message);
  }

  #onPacket(packet: Packet): void {
    if (packet.cmd === 'connack' && packet.reasonCode === 0) {
      this.#hadSession = true;
      this.#progress = 'subscription';
      this.#resumed = packet.sessionPresent && !this.#ghosts.mayHaveCleared();
      this.emit('session', this.#resumed);
    } else if (packet.cmd === 'disconnect') {
      this.#reason ??= this.#endedBy(packet.reasonCode ?? 0);
    }
  }

  /** An attempt of our own that was given up and arrived late takes the session over just as another client would. */
  #endedBy(reasonCode: number): ConnectionError {
    const reason = endedBy(this.#where, reasonCode);
    if (reason.reason !== 'takenOver' || !this.#ghosts.take()) return reason;
    return new ConnectionError(
      'lost',
      `The connection to ${this.#where} was taken over by an earlier attempt of this client that arrived late`,
      '',
    );
  }

  async #listen(): Promise<void> {
    try {
      await this.subscribe(this.#options.responseTopic);
    } catch (error) {
      this.#reason ??= error as ConnectionError;
      this.#giveUp();
      return;
    }
    if (this.#ended) return;
    clearTimeout(this.#attemptTimer);
    this.#connectedAt = performance.now();
    this.#progress = 'session';
    this.#setState({ kind: 'connected', resumed: this.#resumed });
    // A token that came while another one logged in.
    if (this.#newToken && !this.#secrets?.token?.equals(this.#newToken)) this.#reauthenticate(0);
  }

  /** Ends the socket at once, and takes back what the system has not sent yet: it must not arrive some day. */
  #giveUp(): void {
    if (this.#socket) resetTransport(this.#socket);
  }

  /** An attempt, or the connection it made, is over. */
  #attemptFailed(cause?: unknown): void {
    clearTimeout(this.#attemptTimer);
    if (this.#ended) return;
    const reason = this.#reason ?? this.#explain(cause);
    this.#reason = undefined;
    this.#failed(reason);
  }

  #explain(cause: unknown): ConnectionError {
    return connectionError(cause, this.#address, this.#progress);
  }

  /** Sorts a failure: try again soon, slowly, or never. */
  #failed(reason: ConnectionError): void {
    if (this.#connectedAt !== undefined && performance.now() - this.#connectedAt > STABLE_MS)
      this.#attempt = 0;
    this.#connectedAt = undefined;
    clearTimeout(this.#timer);
    if (reason.retry === 'never') {
      this.#tokens?.stop();
      this.#setState({ kind: 'stopped', reason });
      return;
    }
    this.#setState({ kind: 'disconnected', reason });
    const soon = reason.retry === 'soon' || this.#newToken !== undefined;
    const pause = pauseBefore(soon ? this.#attempt++ : Number.POSITIVE_INFINITY);
    this.#timer = setTimeout(() => void this.#connect(), pause);
  }

  /** A new token: log in again at once, or re-authenticate the live connection, or, if that cannot be, make a new one. */
  #onTokenChange(token: Buffer): void {
    this.#newToken = token;
    if (this.#state.kind === 'disconnected') {
      clearTimeout(this.#timer);
      void this.#connect();
    } else if (this.#state.kind === 'connected' && !this.#authAnswer) {
      this.#reauthenticate(0);
    }
  }

  #reauthenticate(attempt: number): void {
    const token = this.#newToken;
    if (this.#state.kind !== 'connected' || !token) return;
    if (!this.#mqtt?.reauthenticate(token)) {
      this.drop('the new token needs a new log-in');
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.drop('the broker did not answer to the new token'),
      this.#options.connectTimeout,
    );
    this.#authAnswer = (reasonCode) => {
      clearTimeout(this.#timer);
      this.#authAnswer = undefined;
      // 0x18 asks to try again later.
      if (reasonCode !== 0) {
        this.#timer = setTimeout(() => this.#reauthenticate(attempt + 1), pauseBefore(attempt));
      } else if (this.#newToken !== token) {
        this.#reauthenticate(0);
      }
    };
  }

  /** The broker's answer to a token. While logging in, anything but success ends the attempt. */
  #onAuth(reasonCode: number): void {
    if (this.#authAnswer) this.#authAnswer(reasonCode);
    else if (reasonCode !== 0) this.#giveUp();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.emit('state', state);
  }

  get #where(): string {
    return `${this.#address.host}:${this.#address.port}`;
  }
}
