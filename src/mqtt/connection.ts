/**
 * Keeps one MQTT connection to the broker: makes attempts to connect until one succeeds, and the next one when it is lost. It is
 * usable (`connected`) only after the broker granted the subscription to the response topic. It knows nothing of requests.
 */
import { EventEmitter } from 'node:events';
import type { Arrival } from './arrival';
import { Attempt, type AttemptEvents, type Shared } from './attempt';
import { Backoff } from './backoff';
import type { AttemptOptions } from './connect-options';
import { ConnectionError } from './connection-error';
import type { ConnectionState } from './connection-state';
import { Ghosts } from './ghosts';
import type { Batch } from './joined-writes';
import { callListeners } from './listeners';
import { PacketIds } from './packet-ids';
import type { Message } from './publish';
import { Reauthentication } from './reauthentication';
import { SecretFiles } from './secrets';

export interface ConnectionOptions extends AttemptOptions {
  /** Whether the first connection begins a new session (MQTT 5 section 3.1.2.4). Later ones resume it. */
  cleanStart: boolean;
}

interface ConnectionEvents {
  /** The error of a listener is raised as an uncaught exception, and does not keep the connection from coming back. */
  state: [state: ConnectionState];
  /**
   * The broker accepted the login, and kept the session or not (MQTT 5 section 3.2.2.1.1). Requests may be sent only once the
   * state is `connected`.
   */
  session: [present: boolean];
  /** A message on any other topic than that of the responses. */
  message: [message: Message];
}

/** The maker of the requests. Plain calls, because every request has one of each. */
export interface RequestHandlers {
  /** A message on the topic of the responses. `arrival`: of its bytes. Right until this returns. */
  response(message: Message, arrival: Arrival): void;
  /** The broker acknowledged a publish. Reason codes: MQTT 5 section 3.4.2.1. */
  puback(packetId: number, reasonCode: number): void;
  /** Whether a publish has this packet identifier. */
  isTaken(packetId: number): boolean;
  /** How many requests were answered so far. */
  answers(): number;
}

/** What the connection needs of an attempt; {@link Attempt} has it. */
export type AttemptLike = Pick<Attempt, keyof Attempt>;
export type MakeAttempt = (
  options: AttemptOptions,
  clean: boolean,
  shared: Shared,
  events: AttemptEvents,
) => AttemptLike;

const makeAttempt: MakeAttempt = (...parameters) => new Attempt(...parameters);

export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  readonly #makeAttempt: MakeAttempt;
  readonly #shared: Shared;
  readonly #ghosts = new Ghosts();
  readonly #backoff = new Backoff();
  readonly #reauthentication: Reauthentication;
  #handlers: RequestHandlers | undefined;
  #state: ConnectionState = { kind: 'closed' };
  /** The present or last one. */
  #attempt: AttemptLike | undefined;
  /** Whether the broker has, or had, a session of this client. */
  #hasSession = false;
  /**
   * Whether an attempt since the last login ended without a CONNACK. If the broker lost its sessions meanwhile, that attempt may have made
   * the session that the next CONNACK reports as present.
   */
  #mayHaveAnother = false;
  /** Requests that were answered before the present attempt. */
  #answersBefore = 0;
  /** Runs while disconnected. */
  #pause: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  /** `make`: another maker of attempts, for tests. */
  constructor(options: ConnectionOptions, make = makeAttempt) {
    super();
    this.#options = options;
    this.#makeAttempt = make;
    this.#reauthentication = new Reauthentication(options.connectTimeout);
    const responseTopic = Buffer.from(options.responseTopic);
    this.#shared = {
      packetIds: new PacketIds((packetId) => this.#handlers?.isTaken(packetId) === true),
      files: new SecretFiles(),
      handlers: {
        message: (message, arrival) => {
          if (message.hasTopic(responseTopic)) this.#handlers?.response(message, arrival);
          else this.emit('message', message);
        },
        puback: (packetId, reasonCode) => this.#handlers?.puback(packetId, reasonCode),
      },
    };
  }

  /** Sets the maker of the requests; call it once, before anything is published. */
  serve(handlers: RequestHandlers): void {
    this.#handlers = handlers;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** When the token of the login expires, in milliseconds since 1970. Absent without a token that has an expiry. */
  get tokenExpiresAt(): number | undefined {
    return this.#reauthentication.tokenExpiresAt;
  }

  /** How many publishes the broker takes before it acknowledges one (MQTT 5 section 3.2.2.3.3); 0 without an attempt. */
  get receiveMaximum(): number {
    return this.#attempt?.receiveMaximum ?? 0;
  }

  /** Largest packet in bytes the broker takes (MQTT 5 section 3.2.2.3.6); 0 without an attempt. */
  get maximumPacketSize(): number {
    return this.#attempt?.maximumPacketSize ?? 0;
  }

  /** Bytes received on this connection so far. */
  get received(): number {
    return this.#attempt?.received ?? 0;
  }

  /** Bytes to be sent that the system has not taken. */
  get unsent(): number {
    return this.#attempt?.unsent ?? 0;
  }

  /** Distinguishes this connection from all others of this computer: see `endsOf`. */
  get ends(): string | undefined {
    return this.#attempt?.ends;
  }

  /**
   * True if waiting cannot help: the broker refuses the client until a person changes something. A refused token does not count, because
   * it is renewed without a person.
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
    return state.kind === 'connecting' ? this.#attempt?.obstacle : undefined;
  }

  /** Begins to connect; returns at once. */
  open(): void {
    if (this.#state.kind !== 'closed' || this.#closing) return;
    const { tokenFile } = this.#options.login;
    if (tokenFile !== undefined) this.#reauthentication.watch(tokenFile, () => this.#onNewToken());
    this.#connect();
  }

  /** A packet identifier for a publish. */
  newPacketId(): number {
    return this.#shared.packetIds.next();
  }

  /** Sends a whole PUBLISH packet, in a batch. Call it only while connected, or when the session was kept. */
  publish(packet: Buffer, batch: Batch): void {
    this.#attempt?.send(packet, batch);
  }

  /**
   * Subscribes with QoS 1 for as long as this connection lasts. Rejects with a {@link ConnectionError} when refused or lost. A broker
   * that has no room for the subscription is asked again within the time of an attempt; one that does not answer is given up.
   */
  async subscribe(filter: string): Promise<void> {
    const attempt = this.#attempt;
    if (!attempt) throw new ConnectionError('lost', 'There is no connection', '');
    await attempt.subscribe(filter);
  }

  /** Gives up a connection that does not move any more; the next attempt follows. */
  drop(why: string): void {
    if (this.#state.kind === 'connected') this.#attempt?.drop(why);
  }

  /** Ends the connection and the session at the broker. Resolves when the socket is closed, however often it is called. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing;
    clearTimeout(this.#pause);
    this.#reauthentication.stop();
    this.#closing = this.#attempt?.close() ?? Promise.resolve();
    this.#setState({ kind: 'closed' });
    return this.#closing;
  }

  #connect(): void {
    const before = this.#state;
    this.#answersBefore = this.#answers;
    this.#reauthentication.begin();
    let resumed = false;
    const clean = this.#options.cleanStart && !this.#hasSession;
    const attempt = this.#makeAttempt(this.#options, clean, this.#shared, {
      secrets: ({ token }) => token && this.#reauthentication.loggingIn(token),
      loggedIn: (sessionPresent) => {
        this.#hasSession = true;
        const mayBeNew = this.#ghosts.mayHaveCleared() || this.#mayHaveAnother;
        this.#mayHaveAnother = false;
        resumed = sessionPresent && !mayBeNew;
        callListeners(this, this.rawListeners('session'), resumed);
      },
      connected: () => {
        this.#backoff.connected(performance.now());
        this.#setState({ kind: 'connected', resumed });
        if (this.#state.kind === 'connected') this.#reauthentication.connected(attempt);
      },
      authenticated: (reasonCode) => this.#reauthentication.answered(reasonCode),
      ended: (reason) => this.#onEnd(attempt, reason),
    });
    this.#attempt = attempt;
    this.#setState({ kind: 'connecting', ...(before.kind === 'disconnected' && { reason: before.reason }) });
    // A listener may have closed the connection.
    if (!this.#closing) attempt.start();
  }

  /** An attempt failed, or the connection that it made is lost. */
  #onEnd(attempt: AttemptLike, cause: ConnectionError): void {
    if (attempt.mayArriveLate) this.#ghosts.add(attempt.clean);
    this.#mayHaveAnother ||= attempt.mayHaveSession;
    this.#reauthentication.ended();
    const reason = this.#ownTakeover(cause) ?? cause;
    if (reason.retry === 'never') {
      this.#reauthentication.stop();
      this.#setState({ kind: 'stopped', reason });
      return;
    }
    const retry = this.#reauthentication.hasNewToken ? 'soon' : reason.retry;
    const pauseMs = this.#backoff.failed(retry, performance.now(), this.#answers > this.#answersBefore);
    this.#pause = setTimeout(() => this.#connect(), pauseMs);
    this.#setState({ kind: 'disconnected', reason });
  }

  get #answers(): number {
    return this.#handlers?.answers() ?? 0;
  }

  /** An attempt of our own that was given up and arrived late takes the session over just as another client would. */
  #ownTakeover(cause: ConnectionError): ConnectionError | undefined {
    if (cause.reason !== 'takenOver' || !this.#ghosts.take()) return undefined;
    const problem = 'The connection was taken over by an earlier attempt of this client that arrived late';
    return new ConnectionError('lost', problem, 'The client reconnects automatically.');
  }

  /** Without a connection the new token is tried at once. */
  #onNewToken(): void {
    if (this.#state.kind !== 'disconnected') return;
    clearTimeout(this.#pause);
    this.#connect();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    callListeners(this, this.rawListeners('state'), state);
  }
}
