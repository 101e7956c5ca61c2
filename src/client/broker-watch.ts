import { BrokerSilence } from './broker-silence';
import type { Pending } from './pending';

const TICK_MS = 1000;
/** If a deadline is later than that, this process was paused. In milliseconds. */
const MAX_LATE_MS = 200;

/** The part of a connection that is watched. */
export interface WatchedConnection {
  /** Bytes received so far. */
  readonly received: number;
  /** Bytes to be sent that the system has not taken. */
  readonly unsent: number;
  drop(why: string): void;
}

/**
 * Gives up the connection to a broker that has gone silent while publishes are unacknowledged. Its timer runs only while there are some, and
 * one publish at a time is measured.
 */
export class BrokerWatch {
  readonly #connection: WatchedConnection;
  /** How many publishes are unacknowledged. */
  readonly #unacknowledged: () => number;
  readonly #silence = new BrokerSilence();
  #timer: NodeJS.Timeout | undefined;
  /** The publish whose round trip is measured. */
  #measured: Pending | undefined;
  /** What this connection has received so far. */
  #heard: 'nothing' | 'acknowledgements' | 'responses' = 'nothing';

  constructor(connection: WatchedConnection, unacknowledged: () => number) {
    this.#connection = connection;
    this.#unacknowledged = unacknowledged;
  }

  /** How long the broker has been silent, in milliseconds; 0 if nothing is waited for. */
  get silenceMs(): number {
    return this.#silence.lengthMs(performance.now(), this.#connection.received, this.#unacknowledged() > 0);
  }

  /** Whether this connection has not received any response so far, although the broker accepted requests. */
  get isUnanswered(): boolean {
    return this.#heard === 'acknowledgements';
  }

  /** A request goes out at `now`, on the monotonic clock. */
  publish(pending: Pending, now: number): void {
    pending.publishedAt = now;
    pending.receivedBefore = this.#connection.received;
    this.#measured ??= pending;
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), TICK_MS).unref();
    this.#silence.begin(now, pending.receivedBefore);
  }

  /** The PUBACK of a request came. */
  acknowledge(pending: Pending, accepted: boolean): void {
    if (accepted && this.#heard === 'nothing') this.#heard = 'acknowledgements';
    if (this.#measured !== pending) return;
    this.#measured = undefined;
    this.#silence.learn(performance.now() - pending.publishedAt);
  }

  /** A message came on the topic of the responses. */
  respond(): void {
    this.#heard = 'responses';
  }

  /**
   * The time of an unacknowledged write is over. If the broker has sent nothing since its publish, the connection is given up, so that a
   * broker which goes on later does not receive it.
   */
  expire(pending: Pending): void {
    const now = performance.now();
    const silenceMs = now - pending.publishedAt;
    const limitMs = this.#silence.limitAfterTimeoutMs(this.#connection.unsent);
    if (now - pending.deadline > MAX_LATE_MS || silenceMs < limitMs) return;
    // What the system has received, but this process has not read, comes first.
    const unanswered = () => pending.isUnacknowledged && this.#connection.received === pending.receivedBefore;
    setImmediate(() => {
      if (unanswered()) this.#drop(silenceMs);
    });
  }

  /** The connection is over. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#measured = undefined;
    this.#heard = 'nothing';
  }

  #look(): void {
    const waiting = this.#unacknowledged();
    if (waiting === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const { silenceMs } = this;
    if (silenceMs < this.#silence.limitMs(this.#connection.unsent)) return;
    this.#drop(silenceMs);
  }

  #drop(silenceMs: number): void {
    const waiting = this.#unacknowledged();
    const seconds = Math.round(silenceMs / 1000);
    this.#connection.drop(
      `the broker has sent nothing for ${seconds} s, with ${waiting} ${waiting === 1 ? 'request' : 'requests'} not acknowledged`,
    );
  }
}
