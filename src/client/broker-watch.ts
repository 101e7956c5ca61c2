import { BrokerSilence, type Traffic } from './broker-silence';
import type { Pending } from './pending';

const TICK_MS = 1000;

/** The part of a connection that is watched. */
export interface WatchedConnection {
  readonly traffic: Traffic;
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
  /** The publish whose round trip is measured, and when it went out. */
  #measured: Pending | undefined;
  #measuredAt = 0;

  constructor(connection: WatchedConnection, unacknowledged: () => number) {
    this.#connection = connection;
    this.#unacknowledged = unacknowledged;
  }

  /** How long the broker has been silent, in milliseconds; 0 if nothing is waited for. */
  get silenceMs(): number {
    return this.#silence.lengthMs(
      performance.now(),
      this.#connection.traffic.received,
      this.#unacknowledged() > 0,
    );
  }

  /** A request goes out at `now`, on the monotonic clock. */
  publish(pending: Pending, now: number): void {
    if (this.#measured === undefined) {
      this.#measured = pending;
      this.#measuredAt = now;
    }
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), TICK_MS).unref();
    this.#silence.begin(now, this.#connection.traffic.received);
  }

  /** The PUBACK of a request came. */
  acknowledge(pending: Pending): void {
    if (this.#measured !== pending) return;
    this.#measured = undefined;
    this.#silence.learn(performance.now() - this.#measuredAt);
  }

  /** The connection is over. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#measured = undefined;
  }

  #look(): void {
    const waiting = this.#unacknowledged();
    if (waiting === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const { silenceMs } = this;
    if (silenceMs < this.#silence.limitMs(this.#connection.traffic.unsent)) return;
    const seconds = Math.round(silenceMs / 1000);
    this.#connection.drop(
      `the broker has sent nothing for ${seconds} s, with ${waiting} ${waiting === 1 ? 'request' : 'requests'} not acknowledged`,
    );
  }
}
