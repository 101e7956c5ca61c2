/** One attempt to connect, and the connection that it makes, to the end of its socket. */
import type { Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { Packet } from 'mqtt';
import { attemptError, type Circumstances, type Progress, timeoutError } from './attempt-error';
import type * as authenticating from './authenticating-client';
import { pauseBefore } from './backoff';
import { type AttemptOptions, connectOptions } from './connect-options';
import type { ConnectionError } from './connection-error';
import * as reasons from './connection-error';
import { type Batch, joinWrites } from './joined-writes';
import type { PacketIds } from './packet-ids';
import { PacketReader } from './packet-reader';
import { type PacketHandlers, PacketStream } from './packet-stream';
import type { SecretFiles, Secrets } from './secrets';
import {
  type Address,
  addressText,
  endsOf,
  openSocket,
  openTls,
  resetTransport,
  untilConnected,
} from './transport';

/** What the attempts of one connection share. */
export interface Shared {
  readonly packetIds: PacketIds;
  readonly files: SecretFiles;
  readonly handlers: PacketHandlers;
}

/** Steps of an attempt, in this order. None is reported after {@link Attempt.close}. */
export interface AttemptEvents {
  /** The attempt logs in with these. */
  secrets(secrets: Secrets): void;
  /** The broker accepted the login, and kept the session or not (MQTT 5 section 3.2.2.1.1). */
  loggedIn(sessionPresent: boolean): void;
  /** The broker granted the subscription to the response topic. */
  connected(): void;
  /** The answer of the broker to a re-authentication. */
  authenticated(reasonCode: number): void;
  /** The attempt failed, or its connection is lost. Called once, after the socket was closed. */
  ended(reason: ConnectionError): void;
}

/** Bytes of the largest MQTT packet: a byte, a remaining length of four bytes, and its greatest value (MQTT 5 section 1.5.5). */
const LARGEST_PACKET = 1 + 4 + 268_435_455;
const RECEIVE_MAXIMUM_DEFAULT = 65_535;
const GOODBYE_MS = 500;

/** MQTT.js is loaded with the first connection: it takes longer than the rest, and a program may never connect. */
const loadMqtt = (): typeof authenticating => require('./authenticating-client');

export class Attempt {
  /** Clean Start of its CONNECT (MQTT 5 section 3.1.2.4). */
  readonly clean: boolean;
  readonly #options: AttemptOptions;
  readonly #shared: Shared;
  readonly #events: AttemptEvents;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #progress: Progress = 'address';
  #address: Address;
  /** TCP until it is connected, then with TLS where that is wanted. */
  #socket: Socket | undefined;
  #socketClosed: Promise<void> | undefined;
  readonly #reader = new PacketReader();
  #stream: PacketStream | undefined;
  #mqtt: authenticating.AuthenticatingClient | undefined;
  /** The last answer of the broker that it has no room for the subscription. */
  #noRoom: ConnectionError | undefined;
  /** The first cause of its end. */
  #reason: ConnectionError | undefined;
  #isOver = false;
  /** Whether a CONNACK came, also one that refuses the login. */
  #isAnswered = false;

  /** Its time runs from here. */
  constructor(options: AttemptOptions, clean: boolean, shared: Shared, events: AttemptEvents) {
    this.clean = clean;
    this.#options = options;
    this.#address = options;
    this.#shared = shared;
    this.#events = events;
    this.#timer = setTimeout(() => this.#onTimeout(), options.connectTimeout);
  }

  /** Begins; returns at once. */
  start(): void {
    void this.#run();
  }

  /** Whether it was given up while its CONNECT was under way, so that the broker may still receive it. */
  get mayArriveLate(): boolean {
    return this.#progress === 'login' && this.#reason?.reason === 'noAnswer';
  }

  /** Whether CONNECT went out and no CONNACK came: the broker may have made a session that this client does not know of. */
  get mayHaveSession(): boolean {
    return this.#progress === 'login' && !this.#isAnswered;
  }

  /** Why there is no connection yet: what the attempt waits for. */
  get obstacle(): ConnectionError {
    return timeoutError(this.#circumstances, Math.ceil(performance.now() - this.#startedAt));
  }

  /** How many publishes the broker takes before it acknowledges one (MQTT 5 section 3.2.2.3.3). */
  get receiveMaximum(): number {
    return this.#mqtt?.serverProperties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT;
  }

  /** Largest packet in bytes the broker takes (MQTT 5 section 3.2.2.3.6). */
  get maximumPacketSize(): number {
    return Math.min(this.#mqtt?.serverProperties?.maximumPacketSize ?? LARGEST_PACKET, LARGEST_PACKET);
  }

  /** Bytes received so far. */
  get received(): number {
    return this.#reader.received;
  }

  /** Bytes to be sent that the system has not taken. */
  get unsent(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** Distinguishes this connection from all others of this computer: see {@link endsOf}. */
  get ends(): string | undefined {
    return this.#socket && endsOf(this.#socket);
  }

  /** Sends a whole packet, see {@link PacketStream.send}. */
  send(packet: Buffer, batch: Batch): void {
    this.#stream?.send(packet, batch);
  }

  /**
   * Subscribes with QoS 1 for as long as the connection lasts. A broker that has no room for the subscription (SUBACK with QUOTA_EXCEEDED) is asked
   * again, with growing pauses, for `timeoutMs`. Rejects with a {@link ConnectionError} when refused or lost. A broker that does not
   * answer in that time is given up.
   */
  async subscribe(filter: string, timeoutMs = this.#options.connectTimeout): Promise<void> {
    const end = performance.now() + timeoutMs;
    const unanswered = setTimeout(
      () => this.drop(`the broker did not answer the subscription to ${filter} within ${timeoutMs} ms`),
      timeoutMs,
    );
    try {
      for (let refusals = 0; ; refusals++) {
        const refusal = await this.#trySubscribing(filter);
        if (!refusal) return;
        const pauseMs = pauseBefore(refusals);
        if (refusal.retry !== 'soon' || refusal.reason === 'lost') throw refusal;
        if (performance.now() + pauseMs >= end) throw refusal;
        this.#noRoom = refusal;
        await pause(pauseMs, undefined, { ref: false });
      }
    } finally {
      clearTimeout(unanswered);
    }
  }

  /** Sends a new token on the live connection. Returns false where MQTT.js gives no way to do so. */
  reauthenticate(token: Buffer): boolean {
    return this.#mqtt?.reauthenticate(token) === true;
  }

  /** Gives up a connection that does not move any more. */
  drop(why: string): void {
    if (this.#progress !== 'session') return;
    this.#giveUp(reasons.closedByClient(addressText(this.#address), why));
  }

  /**
   * Ends the attempt, or its connection and the session at the broker. Resolves when the socket is closed. A peer that does not read
   * any more has half a second; then it does not receive what it has not read.
   */
  async close(): Promise<void> {
    const polite = this.#progress === 'session' && this.#reason === undefined;
    this.#isOver = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket) return;
    const impatient = setTimeout(() => resetTransport(socket), GOODBYE_MS);
    if (!polite) resetTransport(socket);
    this.#mqtt?.end(!polite, { reasonCode: 0, properties: { sessionExpiryInterval: 0 } });
    // MQTT.js would wait for the answer to a SUBSCRIBE, so the end of the socket is awaited.
    await this.#socketClosed;
    clearTimeout(impatient);
  }

  async #run(): Promise<void> {
    const { locate, tls, login } = this.#options;
    try {
      this.#address = (await locate?.()) ?? this.#options;
      if (this.#hasEnded) return;
      this.#progress = 'files';
      const secrets = await this.#shared.files.read(tls, login);
      if (this.#hasEnded) return;
      this.#events.secrets(secrets);
      this.#progress = 'network';
      const socket = this.#use(openSocket(this.#address, secrets.secure ? undefined : this.#reader));
      // MQTT.js is loaded while the system connects. In this turn of the event loop it would delay the start of Node-RED's flows.
      await Promise.all([untilConnected(socket), nextTurn().then(loadMqtt)]);
      if (!this.#hasEnded) this.#mqtt = this.#logIn(socket, secrets);
    } catch (error) {
      this.#giveUp(this.#explain(error));
    }
  }

  #use<S extends Socket>(socket: S): S {
    this.#socket = socket;
    this.#socketClosed = new Promise((resolve) => void socket.once('close', () => resolve()));
    return socket;
  }

  /** TLS over the socket, if there are options for it. */
  #secure(socket: Socket, { secure }: Secrets): Socket {
    this.#progress = secure ? 'handshake' : 'login';
    if (!secure) return socket;
    return this.#use(openTls(socket, this.#address, secure)).once('secureConnect', () => {
      this.#progress = 'login';
    });
  }

  /**
   * CONNECT is written at once, and goes out with the end of the TLS handshake. Written later, it could meet a broker that has ended the
   * handshake with an alert, and the reset of the connection would hide the alert.
   */
  #logIn(socket: Socket, secrets: Secrets): authenticating.AuthenticatingClient {
    const { AuthenticatingClient } = loadMqtt();
    const { packetIds, handlers } = this.#shared;
    const options = connectOptions(this.#options, this.clean, packetIds, secrets);
    const stream = new PacketStream(joinWrites(this.#secure(socket, secrets)), this.#reader, handlers);
    this.#stream = stream;
    const mqtt = new AuthenticatingClient(() => stream, options);
    mqtt.on('packetreceive', (packet) => this.#onPacket(packet));
    mqtt.on('connect', () => void this.#listen());
    mqtt.on('error', (error) => this.#giveUp(this.#explain(error)));
    mqtt.on('close', () => this.#end());
    mqtt.onAuth = (reasonCode) => this.#onAuth(reasonCode);
    return mqtt;
  }

  #onPacket(packet: Packet): void {
    if (this.#hasEnded) return;
    const where = addressText(this.#address);
    this.#isAnswered ||= packet.cmd === 'connack';
    if (packet.cmd === 'disconnect') this.#giveUp(reasons.endedBy(where, packet.reasonCode ?? 0));
    if (packet.cmd !== 'connack' || packet.reasonCode !== 0) return;
    if (packet.properties?.maximumQoS === 0) {
      this.#giveUp(reasons.qosTooLow(where));
    } else {
      this.#progress = 'subscription';
      this.#events.loggedIn(packet.sessionPresent);
    }
  }

  async #listen(): Promise<void> {
    const { responseTopic, connectTimeout } = this.#options;
    try {
      const spent = performance.now() - this.#startedAt;
      await this.subscribe(responseTopic, Math.max(0, connectTimeout - spent));
    } catch (error) {
      this.#giveUp(this.#explain(error));
    }
    if (this.#hasEnded) return;
    clearTimeout(this.#timer);
    this.#progress = 'session';
    this.#events.connected();
  }

  /** Resolves with nothing when the subscription is granted, with the refusal otherwise. */
  async #trySubscribing(filter: string): Promise<ConnectionError | undefined> {
    const mqtt = this.#mqtt;
    const lost = () =>
      this.#reason ?? attemptError(undefined, { ...this.#circumstances, progress: 'session' });
    if (!mqtt?.connected) return lost();
    try {
      await mqtt.subscribeAsync(filter, { qos: 1 });
      return undefined;
    } catch (error) {
      return mqtt.connected ? reasons.subscriptionError(addressText(this.#address), filter, error) : lost();
    }
  }

  /** The answer of the broker to a token. During the login it can only be that the broker is not able to check the token now. */
  #onAuth(reasonCode: number): void {
    if (this.#progress === 'session') this.#events.authenticated(reasonCode);
    else if (reasonCode !== 0) this.#giveUp(reasons.tokenNotChecked(addressText(this.#address)));
  }

  #onTimeout(): void {
    this.#giveUp(this.#noRoom ?? timeoutError(this.#circumstances, this.#options.connectTimeout));
  }

  /** Ends the socket at once, and takes back what the system has not sent yet: it must not arrive later. */
  #giveUp(reason: ConnectionError): void {
    if (this.#isOver) return;
    this.#reason ??= reason;
    if (this.#socket) resetTransport(this.#socket);
    // Otherwise MQTT.js reports that the socket is closed.
    if (!this.#mqtt) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#events.ended(this.#reason ?? this.#explain(undefined));
  }

  get #hasEnded(): boolean {
    return this.#isOver || this.#reason !== undefined;
  }

  #explain(cause: unknown): ConnectionError {
    return attemptError(cause, this.#circumstances);
  }

  get #circumstances(): Circumstances {
    const { tls } = this.#options;
    return { address: this.#address, progress: this.#progress, tls, file: this.#shared.files.waitingFor };
  }
}
