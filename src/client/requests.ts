/**
 * Requests on their way: waiting, in flight, settled exactly once. The rules of their fate are in
 * docs/architecture.md, "The fate of a request".
 */

import type { Connection } from '../mqtt/connection';
import type { ConnectionError } from '../mqtt/connection-error';
import type { Message } from '../mqtt/message';
import { isWrite, type StateStoreError } from '../protocol/errors';
import { formatHlc, HybridLogicalClock, parseHlc } from '../protocol/hlc';
import { STATUS, STATUS_MESSAGE, TIMESTAMP } from '../protocol/user-properties';
import type { Request, Response } from './request';
import * as failure from './request-errors';
import { markDuplicate, RequestPackets } from './request-packets';

export interface RequestLimits {
  /** Most requests published and not yet answered, from 1. The broker's Receive Maximum may lower it. */
  inFlightLimit: number;
  /** Most requests that wait to be published, from 1. */
  queueLimit: number;
}

/** A request with all that belongs to its one outcome. */
class Pending {
  readonly request: Request;
  readonly resolve: (response: Response) => void;
  readonly reject: (error: unknown) => void;
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly deadline: number;
  timer: NodeJS.Timeout | undefined;
  onAbort: (() => void) | undefined;
  settled = false;
  /** Set from the publish until the answer: the correlation data. */
  correlation: string | undefined;
  /** Set from the publish until PUBACK: the packet identifier. */
  packetId: number | undefined;
  /** Set from the publish until PUBACK: what was published. */
  packet: Buffer | undefined;
  /** How many answers had matched no request when this one was published. */
  strayBefore = 0;

  constructor(request: Request, resolve: Pending['resolve'], reject: Pending['reject']) {
    this.request = request;
    this.resolve = resolve;
    this.reject = reject;
    this.deadline = performance.now() + request.timeout;
  }
}

export class Requests {
  readonly #connection: Connection;
  readonly #responseTopic: string;
  readonly #limits: RequestLimits;
  readonly #packets: RequestPackets;
  #clock: HybridLogicalClock;
  /** In the order they go out. */
  #waiting = new Set<Pending>();
  readonly #inFlight = new Map<string, Pending>();
  readonly #unacknowledged = new Map<number, Pending>();
  /** Publishes that are not both answered (or given up) and acknowledged. */
  #slots = 0;
  #stray = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(
    connection: Connection,
    identity: { clientId: string; responseTopic: string; nodeId: string },
    limits: RequestLimits,
  ) {
    this.#connection = connection;
    this.#responseTopic = identity.responseTopic;
    this.#packets = new RequestPackets(identity.clientId, identity.responseTopic);
    this.#clock = new HybridLogicalClock(identity.nodeId);
    this.#limits = limits;
    connection.on('state', ({ kind }) => {
      if (kind === 'connected') this.#pump();
      if (kind === 'disconnected') this.#onLost();
      if (kind === 'stopped') this.#onStopped();
    });
    connection.on('session', (present) => (present ? this.#onSessionKept() : this.#onSessionLost()));
    connection.on('puback', (packetId, reasonCode) => this.#onPuback(packetId, reasonCode));
    connection.on('message', (message) => this.#onMessage(message));
  }

  /** Requests that wait to be published. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Requests published and not yet answered. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Whether a packet identifier belongs to a publish the broker has not acknowledged. */
  owns(packetId: number): boolean {
    return this.#unacknowledged.has(packetId);
  }

  /** Takes a request to its one outcome. */
  submit(request: Request): Promise<Response> {
    if (this.#closed) return Promise.reject(failure.closed(request, false));
    if (this.#connection.state.kind === 'stopped') {
      return Promise.reject(failure.notConnected(request, this.#reason));
    }
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    if (this.#waiting.size >= this.#limits.queueLimit) {
      return Promise.reject(failure.queueFull(request, this.#waiting.size, this.#reason));
    }
    return new Promise((resolve, reject) => {
      const pending = new Pending(request, resolve, reject);
      pending.timer = setTimeout(this.#onDeadline, request.timeout, pending);
      const { signal } = request;
      if (signal) {
        pending.onAbort = () => this.#fail(pending, signal.reason);
        signal.addEventListener('abort', pending.onAbort, { once: true });
      }
      if (this.#waiting.size === 0 && this.#open && !isTooLate(pending)) {
        this.#publish(pending);
      } else {
        this.#waiting.add(pending);
        this.#pump();
      }
    });
  }

  /** Takes no more requests, gives those under way `patience` milliseconds, and fails the rest with `CLOSED`. */
  async close(patience: number): Promise<void> {
    this.#closed = true;
    // With the connection ends all observing: nobody needs to be told.
    this.#giveUp(({ request }) => request.operation === 'unobserve');
    if (this.#connection.state.kind === 'connected' && !this.#idle) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patience);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#giveUp(() => true);
  }

  #giveUp(which: (pending: Pending) => boolean): void {
    for (const pending of [...this.#waiting, ...this.#inFlight.values()].filter(which)) {
      this.#fail(pending, failure.closed(pending.request, pending.correlation !== undefined));
    }
  }

  get #idle(): boolean {
    return this.#waiting.size === 0 && this.#inFlight.size === 0;
  }

  /** Whether a request may be published now. */
  get #open(): boolean {
    return (
      this.#connection.state.kind === 'connected' &&
      this.#slots < this.#limits.inFlightLimit &&
      this.#slots < this.#connection.receiveMaximum
    );
  }

  #pump(): void {
    for (const pending of this.#waiting) {
      if (!this.#open) return;
      if (isTooLate(pending)) continue;
      this.#waiting.delete(pending);
      this.#publish(pending);
    }
  }

  #publish(pending: Pending): void {
    const { request, deadline } = pending;
    const packetId = this.#connection.newPacketId();
    const { packet, correlation } = this.#packets.make({
      packetId,
      expiry: Math.max(1, Math.ceil((deadline - performance.now()) / 1000)),
      timestamp: this.#timestamp(Date.now()),
      fencingToken: request.fencingToken,
      userProperties: request.userProperties,
      payload: request.payload,
    });
    const limit = this.#connection.maximumPacketSize;
    if (packet.length > limit) {
      this.#fail(pending, failure.tooLarge(request, packet.length, limit));
      return;
    }
    pending.correlation = correlation;
    pending.packetId = packetId;
    pending.packet = packet;
    pending.strayBefore = this.#stray;
    this.#inFlight.set(correlation, pending);
    this.#unacknowledged.set(packetId, pending);
    this.#slots++;
    this.#connection.publish(packet);
  }

  #timestamp(now: number): string {
    try {
      return formatHlc(this.#clock.tick(now));
    } catch {
      // The wall clock was set back by more than a minute: the store would refuse the old time, so begin anew.
      this.#clock = new HybridLogicalClock(this.#clock.nodeId);
      return formatHlc(this.#clock.tick(now));
    }
  }

  #onMessage(message: Message): void {
    if (message.topic !== this.#responseTopic) return;
    const pending = message.correlation && this.#inFlight.get(message.correlation);
    if (!pending) {
      this.#stray++;
      return;
    }
    try {
      const response = this.#read(message, pending.request);
      this.#settle(pending);
      pending.resolve(response);
    } catch (error) {
      this.#fail(pending, error);
    }
  }

  #read({ payload, userProperties }: Message, request: Request): Response {
    const status = Number(userProperties[STATUS] ?? 200);
    if (status >= 400) {
      throw failure.refused(request, payload, userProperties[STATUS_MESSAGE] ?? `status ${status}`);
    }
    const version = userProperties[TIMESTAMP];
    if (version === undefined) return { payload, version };
    const remote = parseHlc(version);
    if (!remote) throw failure.badVersion(request, version);
    try {
      this.#clock.receive(remote, Date.now());
    } catch (cause) {
      throw failure.skewed(request, cause as StateStoreError);
    }
    return { payload, version };
  }

  #onPuback(packetId: number, reasonCode: number): void {
    const pending = this.#unacknowledged.get(packetId);
    if (!pending) return;
    this.#unacknowledged.delete(packetId);
    pending.packetId = undefined;
    pending.packet = undefined;
    if (pending.settled) {
      this.#slots--;
      this.#pump();
    } else if (reasonCode !== 0) {
      this.#fail(pending, failure.notDelivered(pending.request, reasonCode));
    }
  }

  /** What was settled while its PUBACK was outstanding is not sent again, so no PUBACK will come. */
  #onLost(): void {
    for (const [packetId, pending] of this.#unacknowledged) {
      if (!pending.settled) continue;
      this.#unacknowledged.delete(packetId);
      this.#slots--;
    }
  }

  /** There will be no connection any more: nothing can be sent, and nobody will tell what became of what was. */
  #onStopped(): void {
    for (const pending of [...this.#waiting, ...this.#inFlight.values()]) {
      const unknown = pending.correlation !== undefined && isWrite(pending.request);
      this.#fail(
        pending,
        unknown
          ? failure.outcomeUnknown(pending.request)
          : failure.notConnected(pending.request, this.#reason),
      );
    }
  }

  /** Sends again what is not acknowledged, in its order (MQTT 5 section 4.4), but for what has no time left. */
  #onSessionKept(): void {
    for (const [packetId, pending] of this.#unacknowledged) {
      if (isTooLate(pending) || !pending.packet) {
        this.#unacknowledged.delete(packetId);
        pending.packetId = undefined;
      } else {
        markDuplicate(pending.packet);
        this.#connection.publish(pending.packet);
      }
    }
  }

  /**
   * The broker knows nothing of what was in flight. What changes no key is asked again (GET, KEYNOTIFY); of a write nobody
   * knows the outcome.
   */
  #onSessionLost(): void {
    const again: Pending[] = [];
    for (const pending of this.#inFlight.values()) {
      if (!isWrite(pending.request)) again.push(pending);
      else this.#fail(pending, failure.outcomeUnknown(pending.request));
    }
    for (const pending of again) {
      pending.correlation = undefined;
      pending.packetId = undefined;
    }
    this.#inFlight.clear();
    this.#unacknowledged.clear();
    this.#slots = 0;
    this.#waiting = new Set([...again, ...this.#waiting]);
  }

  readonly #onDeadline = (pending: Pending): void => {
    const { state } = this.#connection;
    if (pending.correlation !== undefined) {
      const stuck = pending.packetId !== undefined;
      this.#fail(pending, failure.timedOut(pending.request, this.#stray - pending.strayBefore));
      // What the broker did not acknowledge may still be on its way; it must not arrive after this was said.
      if (stuck) this.#connection.drop('the broker did not acknowledge a request in time');
    } else if (state.kind === 'connected') {
      this.#fail(pending, failure.notSent(pending.request, this.#slots));
    } else {
      this.#fail(pending, failure.notConnected(pending.request, this.#reason));
    }
  };

  /** Why there is no connection, when the last attempt failed. */
  get #reason(): ConnectionError | undefined {
    const { state } = this.#connection;
    return state.kind === 'disconnected' || state.kind === 'stopped' ? state.reason : undefined;
  }

  #fail(pending: Pending, reason: unknown): void {
    if (pending.settled) return;
    this.#settle(pending);
    pending.reject(reason);
  }

  /** Everything about a request ends here, whatever its outcome. */
  #settle(pending: Pending): void {
    pending.settled = true;
    clearTimeout(pending.timer);
    if (pending.onAbort) pending.request.signal?.removeEventListener('abort', pending.onAbort);
    this.#waiting.delete(pending);
    if (pending.correlation !== undefined) {
      this.#inFlight.delete(pending.correlation);
      if (pending.packetId === undefined) this.#slots--;
      this.#pump();
    }
    if (this.#idle) this.#onIdle?.();
  }
}

/** The last part of a request's time in which it is not sent any more, in milliseconds; a tenth of its time if that is less. */
const LAST_MOMENT_MS = 100;

/** Whether the answer can no longer be expected in time: sent now, a write might be applied after it was given up. */
function isTooLate({ deadline, request }: Pending): boolean {
  return deadline - performance.now() < Math.min(LAST_MOMENT_MS, request.timeout / 10);
}
