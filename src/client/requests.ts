/**
 * Requests on their way: waiting, in flight, settled exactly once. The rules of their fate are in
 * docs/architecture.md, "The fate of a request".
 */

import type { Connection } from '../mqtt/connection';
import type { ConnectionError } from '../mqtt/connection-error';
import type { Message } from '../mqtt/message';
import { commandItems, parseCommand } from '../protocol/commands';
import { isWrite, type StateStoreError } from '../protocol/errors';
import { type Hlc, HybridLogicalClock, parseHlc } from '../protocol/hlc';
import { encodeArray, type Items } from '../protocol/resp3';
import { isApplied } from '../protocol/responses';
import { problemOf } from '../protocol/status';
import { TIMESTAMP } from '../protocol/user-properties';
import { Deadlines } from './deadlines';
import { Pending } from './pending';
import { Request } from './request';
import * as failure from './request-errors';
import { markDuplicate, RequestPackets } from './request-packets';

export interface RequestLimits {
  /** Most requests published and not yet answered, from 1. The broker's Receive Maximum may lower it. */
  inFlightLimit: number;
  /** Most requests that wait to be published, from 1. */
  queueLimit: number;
}

/** How long the store may take to show which writes arrived before a connection was lost, in milliseconds. */
const MARKER_TIMEOUT_MS = 5000;

export class Requests {
  readonly #connection: Connection;
  readonly #limits: RequestLimits;
  readonly #packets: RequestPackets;
  readonly #deadlines = new Deadlines((pending) => this.#onDeadline(pending));
  #clock: HybridLogicalClock;
  /** In the order they go out. */
  #waiting = new Set<Pending>();
  /** By their numbers. */
  readonly #inFlight = new Map<number, Pending>();
  /** By their packet identifiers. */
  readonly #unacknowledged = new Map<number, Pending>();
  /** Publishes that are not both answered (or given up) and acknowledged. */
  #slots = 0;
  /** Most of them at a time, by our own limit and that of the broker. */
  #mostSlots = 0;
  /** Counts connections, to tell what was published on the present one. */
  #connectionNumber = 0;
  /** Set while it is found out which writes arrived before the last connection was lost. */
  #marker: Pending | undefined;
  /** Writes whose fate the marker decides. */
  #heldWrites = 0;
  #stray = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(
    connection: Connection,
    identity: { clientId: string; responseTopic: string; nodeId: string },
    limits: RequestLimits,
  ) {
    this.#connection = connection;
    this.#packets = new RequestPackets(identity.clientId, identity.responseTopic);
    this.#clock = new HybridLogicalClock(identity.nodeId);
    this.#limits = limits;
    connection.on('state', ({ kind }) => {
      if (kind === 'connected') this.#onConnected();
      if (kind === 'disconnected') this.#onLost();
      if (kind === 'stopped') this.#onStopped();
    });
    connection.on('session', (present) => {
      if (!present) this.#onSessionLost();
    });
    connection.serve({
      response: (message) => this.#onResponse(message),
      puback: (packetId, reasonCode) => this.#onPuback(packetId, reasonCode),
      owns: (packetId) => this.#unacknowledged.has(packetId),
    });
  }

  /** Requests that wait to be published. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Requests published and not yet answered. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Takes a request to its one outcome. `items`: what its payload is made of; they are not needed any more when this returns. */
  submit<Result>(request: Request<Result>, items: Items): Promise<Result> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const now = performance.now();
      const pending = new Pending(request, items, resolve, reject, now);
      this.#deadlines.add(pending);
      if (request.signal) this.#heed(request.signal, pending);
      if (this.#waiting.size === 0 && this.#open) {
        this.#publish(pending, now);
      } else {
        pending.payload = encodeArray(items);
        this.#waiting.add(pending);
        this.#pump();
      }
    });
  }

  #heed(signal: AbortSignal, pending: Pending): void {
    pending.onAbort = () => this.#fail(pending, signal.reason);
    signal.addEventListener('abort', pending.onAbort, { once: true });
  }

  /** Why a request cannot even wait. */
  #refusal(request: Request): unknown {
    if (this.#closed) return failure.closed(request, false);
    if (this.#connection.state.kind === 'stopped' || this.#connection.refused)
      return failure.notConnected(request, this.#reason);
    if (request.signal?.aborted) return request.signal.reason;
    if (this.#waiting.size >= this.#limits.queueLimit)
      return failure.queueFull(request, this.#waiting.size, this.#reason);
    return undefined;
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
      this.#fail(pending, failure.closed(pending.request, pending.number !== undefined));
    }
  }

  get #idle(): boolean {
    return this.#waiting.size === 0 && this.#inFlight.size === 0;
  }

  /** Whether a request may be published now. */
  get #open(): boolean {
    return this.#connection.state.kind === 'connected' && !this.#marker && this.#slots < this.#mostSlots;
  }

  #pump(): void {
    if (this.#waiting.size === 0 || !this.#open) return;
    const now = performance.now();
    for (const pending of this.#waiting) {
      if (!this.#open) return;
      if (pending.isTooLate(now)) continue;
      this.#waiting.delete(pending);
      this.#publish(pending, now);
    }
  }

  #publish(pending: Pending, now: number): void {
    const { request, payload } = pending;
    if (!payload) return;
    const packetId = this.#connection.newPacketId();
    const packet = this.#packets.make({
      packetId,
      expiry: pending.secondsLeft(now),
      timestamp: this.#timestamp(Date.now()),
      fencingToken: request.fencingToken,
      userProperties: request.userProperties,
      payload,
    });
    const limit = this.#connection.maximumPacketSize;
    const size = packet.packet.length;
    if (size > limit) {
      this.#fail(pending, failure.tooLarge(request, size, limit));
      return;
    }
    pending.payload = undefined;
    pending.number = packet.number;
    pending.packetId = packetId;
    pending.packet = packet;
    pending.sentOn = this.#connectionNumber;
    pending.strayBefore = this.#stray;
    this.#inFlight.set(packet.number, pending);
    this.#unacknowledged.set(packetId, pending);
    this.#slots++;
    this.#connection.publish(packet.packet);
  }

  #timestamp(now: number): Hlc {
    try {
      return this.#clock.tick(now);
    } catch {
      // The wall clock was set back by more than a minute: the store would refuse the old time, so begin anew.
      this.#clock = new HybridLogicalClock(this.#clock.nodeId);
      return this.#clock.tick(now);
    }
  }

  #onResponse(message: Message): void {
    const number = this.#packets.numberOf(message);
    const pending = number === undefined ? undefined : this.#inFlight.get(number);
    if (!pending) {
      this.#stray++;
      return;
    }
    if (pending === this.#marker) {
      this.#settle(pending);
      this.#onMarked(pending, true);
      return;
    }
    try {
      const result = this.#read(message, pending);
      this.#settle(pending);
      pending.resolve(result);
    } catch (error) {
      this.#fail(pending, error);
    }
  }

  #read(message: Message, { request, repeated }: Pending): unknown {
    const { payload } = message;
    const problem = problemOf(message);
    if (problem) throw failure.fromStatus(request, payload, problem);
    const version = message.userProperty(TIMESTAMP);
    if (version !== undefined) this.#advanceClock(version, request);
    if (repeated && !request.repeatable && !isApplied(payload))
      throw failure.notOfTheFirst(request, payload.toString('latin1').trim());
    return request.read(payload, version, request);
  }

  #advanceClock(version: string, request: Request): void {
    const remote = parseHlc(version);
    if (!remote) throw failure.badVersion(request, version);
    try {
      this.#clock.receive(remote, Date.now());
    } catch (cause) {
      throw failure.skewed(request, cause as StateStoreError);
    }
  }

  #onPuback(packetId: number, reasonCode: number): void {
    const pending = this.#unacknowledged.get(packetId);
    if (!pending) return;
    this.#unacknowledged.delete(packetId);
    pending.packetId = undefined;
    if (pending.settled) {
      this.#slots--;
      this.#pump();
    } else if (reasonCode !== 0) {
      this.#fail(pending, failure.notDelivered(pending.request, reasonCode));
    }
  }

  /** What was settled while its PUBACK was outstanding is not sent again, so no PUBACK will come. */
  #onLost(): void {
    this.#connectionNumber++;
    this.#dropMarker();
    for (const pending of this.#unacknowledged.values()) {
      if (pending.settled) this.#release(pending);
    }
    if (!this.#connection.refused) return;
    for (const pending of [...this.#waiting])
      this.#fail(pending, failure.notConnected(pending.request, this.#reason));
  }

  /** There will be no connection any more: nothing can be sent, and nobody will tell what became of what was. */
  #onStopped(): void {
    this.#dropMarker();
    for (const pending of [...this.#waiting, ...this.#inFlight.values()]) {
      const unknown = pending.number !== undefined && isWrite(pending.request);
      this.#fail(
        pending,
        unknown
          ? failure.outcomeUnknown(pending.request)
          : failure.notConnected(pending.request, this.#reason),
      );
    }
  }

  /**
   * What the broker has not acknowledged on the last connection may have been executed all the same, and a write must not be
   * executed twice. The answers to what was executed are in the session that the broker kept, before the answer to anything
   * that is asked now: it delivers the messages of a topic in their order (MQTT 5 section 4.6). So a GET of our own marks their
   * end; a write that has no answer by then never arrived.
   */
  #onConnected(): void {
    this.#mostSlots = Math.min(this.#limits.inFlightLimit, this.#connection.receiveMaximum);
    const writes = [...this.#unacknowledged.values()].filter(({ request }) => !request.repeatable);
    const [first] = writes;
    if (!first) {
      this.#sendAgain();
      return;
    }
    const now = performance.now();
    const marker: Pending = new Pending(
      new Request('get', '', () => undefined, {}, MARKER_TIMEOUT_MS),
      commandItems({ verb: 'GET', key: parseCommand(payloadOf(first)).key }),
      () => undefined,
      () => this.#onMarked(marker, false),
      now,
    );
    this.#deadlines.add(marker);
    this.#marker = marker;
    this.#heldWrites = writes.length;
    this.#publish(marker, now);
  }

  /** The marker was answered, or will not be: then nobody knows which writes arrived. */
  #onMarked(marker: Pending, answered: boolean): void {
    if (this.#marker !== marker) return;
    this.#marker = undefined;
    if (!answered) {
      for (const pending of [...this.#unacknowledged.values()]) {
        if (this.#isHeld(pending) && !pending.request.repeatable)
          this.#fail(pending, failure.arrivalUnknown(pending.request));
      }
    }
    this.#sendAgain();
  }

  #dropMarker(): void {
    const marker = this.#marker;
    this.#marker = undefined;
    if (marker) this.#settle(marker);
  }

  /** Whether it was published on an earlier connection, not acknowledged there, and not published since. */
  #isHeld(pending: Pending): boolean {
    return pending.packetId !== undefined && pending.sentOn !== this.#connectionNumber;
  }

  /** Sends again what is not acknowledged, in its order (MQTT 5 section 4.4), but for what has no time left; then the rest. */
  #sendAgain(): void {
    const now = performance.now();
    for (const pending of [...this.#unacknowledged.values()]) {
      if (!this.#isHeld(pending) || !pending.packet) continue;
      if (pending.isTooLate(now)) {
        this.#unacknowledged.delete(pending.packetId as number);
        pending.packetId = undefined;
        continue;
      }
      markDuplicate(pending.packet, pending.secondsLeft(now));
      pending.sentOn = this.#connectionNumber;
      pending.repeated = true;
      this.#connection.publish(pending.packet.packet);
    }
    this.#pump();
  }

  /**
   * The broker knows nothing of what was in flight. What may be executed twice is asked again; of any other write nobody knows
   * the outcome.
   */
  #onSessionLost(): void {
    const again: Pending[] = [];
    for (const pending of this.#inFlight.values()) {
      if (pending.request.repeatable) again.push(pending);
      else this.#fail(pending, failure.outcomeUnknown(pending.request));
    }
    for (const pending of again) {
      pending.payload = payloadOf(pending);
      pending.packet = undefined;
      pending.number = undefined;
      pending.packetId = undefined;
    }
    this.#inFlight.clear();
    this.#unacknowledged.clear();
    this.#slots = 0;
    this.#waiting = new Set([...again, ...this.#waiting]);
  }

  #onDeadline(pending: Pending): void {
    const { state } = this.#connection;
    if (pending.number !== undefined) {
      const stuck = pending.packetId !== undefined && !this.#isHeld(pending);
      this.#fail(pending, failure.timedOut(pending.request, this.#stray - pending.strayBefore));
      // What the broker did not acknowledge may still be on its way; it must not arrive after this was said.
      if (stuck) this.#connection.drop('the broker did not acknowledge a request in time');
    } else if (state.kind === 'connected') {
      this.#fail(pending, failure.notSent(pending.request, this.#slots));
    } else {
      this.#fail(pending, failure.notConnected(pending.request, this.#reason));
    }
  }

  /** Why there is no connection, as far as it is known: of an attempt that goes on, why the one before it failed. */
  get #reason(): ConnectionError | undefined {
    const { state } = this.#connection;
    return 'reason' in state ? state.reason : undefined;
  }

  #fail(pending: Pending, reason: unknown): void {
    if (pending.settled) return;
    this.#settle(pending);
    pending.reject(reason);
  }

  /** Everything about a request ends here, whatever its outcome. */
  #settle(pending: Pending): void {
    pending.settled = true;
    pending.packet = undefined;
    this.#deadlines.remove(pending);
    if (pending.onAbort) pending.request.signal?.removeEventListener('abort', pending.onAbort);
    if (pending.number === undefined) {
      this.#waiting.delete(pending);
    } else {
      this.#inFlight.delete(pending.number);
      if (this.#isHeld(pending)) this.#release(pending);
      else if (pending.packetId === undefined) this.#slots--;
      this.#pump();
    }
    if (this.#onIdle && this.#idle) this.#onIdle();
  }

  /** Gives back the place of a settled publish that nobody will acknowledge. */
  #release(pending: Pending): void {
    this.#unacknowledged.delete(pending.packetId as number);
    pending.packetId = undefined;
    this.#slots--;
    if (this.#marker && !pending.request.repeatable && --this.#heldWrites === 0)
      this.#onMarked(this.#marker, true);
  }
}

/** What was published, and is not settled yet. */
function payloadOf({ packet }: Pending): Buffer {
  return packet ? packet.packet.subarray(packet.payloadAt) : Buffer.alloc(0);
}
