/**
 * Requests on their way: waiting, in flight, settled exactly once. The rules of their fate are in
 * docs/architecture.md, "The fate of a request".
 */

import { isWrite, type StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import { type ConnectionError, reasonWords } from '../mqtt/connection-error';
import type { Message } from '../mqtt/publish';
import { commandItems, parseCommand } from '../protocol/commands';
import { type Hlc, HybridLogicalClock, parseHlc } from '../protocol/hlc';
import { encodeArray, type Items, sizeOfArray } from '../protocol/resp3';
import { isApplied } from '../protocol/responses';
import { problemOf } from '../protocol/status';
import { TIMESTAMP } from '../protocol/user-properties';
import { Deadlines } from './deadlines';
import { Pending } from './pending';
import { Published } from './published';
import { Request } from './request';
import * as failure from './request-errors';
import { answeredPacketId, isAnswer, markDuplicate, RequestPackets } from './request-packets';
import { type QueueLimits, RequestQueue } from './request-queue';
import { Signals } from './signals';

export interface RequestLimits extends QueueLimits {
  /** Most requests published and not yet answered, from 1. The broker's Receive Maximum may lower it. */
  inFlightLimit: number;
}

/** How long the store may take to show which writes arrived before a connection was lost, in milliseconds. */
const MARKER_TIMEOUT_MS = 5000;

/** There are 65,535 packet identifiers (MQTT 5 section 2.2.1): one is left for the marker, and one to subscribe and unsubscribe with. */
const MOST_AT_A_TIME = 65_533;

export class Requests {
  readonly #connection: Connection;
  readonly #limits: RequestLimits;
  readonly #packets: RequestPackets;
  readonly #signals = new Signals((signal) => this.#onAbort(signal));
  readonly #deadlines = new Deadlines((pending) => this.#onDeadline(pending));
  #clock: HybridLogicalClock;
  readonly #queue: RequestQueue;
  readonly #published: Published;
  /** How many were published so far. */
  #publishes = 0;
  /** Published and not yet settled. */
  #unsettled = 0;
  /** Most publishes at a time, by our own limit and that of the broker. */
  #most = 0;
  /** Counts connections, to tell what was published on the present one. */
  #connectionNumber = 0;
  /** Set while it is found out which writes arrived before the last connection was lost. */
  #marker: Pending | undefined;
  /** Writes whose fate the marker decides. */
  #heldWrites = 0;
  /** What is still to be sent again on this connection, in its order. */
  readonly #again = new Set<Pending>();
  /** How many publishes of this connection are not acknowledged; counted only while there is something to send again. */
  #unacknowledgedHere = 0;
  #stray = 0;
  #answers = 0;
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
    this.#queue = new RequestQueue(limits);
    // One more than the limit is the marker.
    this.#published = new Published(limits.inFlightLimit + 1);
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
      isTaken: (packetId) => this.#published.isTaken(packetId),
    });
  }

  /** Requests that wait to be published. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Requests published and not yet answered. */
  get inFlight(): number {
    return this.#unsettled;
  }

  /** Takes a request to its one outcome. `items`: what its payload is made of; they are not needed any more when this returns. */
  submit<Result>(request: Request<Result>, items: Items): Promise<Result> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#connection.open();
    const publishNow = this.#open && !this.#queue.isBehindOthers(request.urgent);
    if (!publishNow && !request.urgent) {
      const limit = this.#queue.fullBy(sizeOfArray(items));
      if (limit !== undefined) return Promise.reject(this.#queueFull(request, limit));
    }
    return new Promise((resolve, reject) => {
      const now = performance.now();
      const pending = new Pending(request, publishNow ? items : encodeArray(items), resolve, reject, now);
      this.#deadlines.add(pending);
      if (request.signal) this.#signals.add(request.signal);
      if (publishNow) {
        this.#publish(pending, now);
      } else {
        this.#queue.add(pending);
        this.#pump();
      }
    });
  }

  #onAbort(signal: AbortSignal): void {
    for (const pending of this.#all)
      if (pending.request.signal === signal) this.#fail(pending, signal.reason);
  }

  /** Why a request cannot even wait. */
  #refusal(request: Request): unknown {
    if (this.#closed) return failure.closed(request, false);
    if (this.#connection.state.kind === 'stopped' || this.#connection.refused)
      return failure.notConnected(request, this.#reason);
    if (request.signal?.aborted) return request.signal.reason;
    return undefined;
  }

  #queueFull(request: Request, limit: 'number' | 'bytes'): StateStoreError {
    return failure.queueFull(
      request,
      { limit, waiting: this.#queue.size, bytes: this.#queue.bytes },
      this.#reason,
    );
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
    for (const pending of this.#all.filter(which)) {
      this.#fail(pending, failure.closed(pending.request, pending.wasSent));
    }
  }

  get #idle(): boolean {
    return this.#queue.size === 0 && this.#unsettled === 0;
  }

  /** What is not settled. */
  get #all(): Pending[] {
    return [...this.#queue.all(), ...this.#inFlight];
  }

  /** Published and not settled, in the order of the publishes. */
  get #inFlight(): Pending[] {
    return this.#published.inOrder().filter(({ settled }) => !settled);
  }

  /** Published and not acknowledged, in the order of the publishes. */
  get #unacknowledged(): Pending[] {
    return this.#published.inOrder().filter(({ acknowledged }) => !acknowledged);
  }

  /** Whether a request may be published now. */
  get #open(): boolean {
    return (
      this.#published.size < this.#most &&
      this.#connection.state.kind === 'connected' &&
      !this.#marker &&
      this.#again.size === 0
    );
  }

  #pump(): void {
    let now = 0;
    while (this.#open) {
      const pending = this.#queue.first('urgent') ?? this.#queue.first('usual');
      if (!pending) return;
      now ||= performance.now();
      if (pending.isTooLate(now)) {
        this.#queue.setAside(pending);
      } else {
        this.#queue.delete(pending);
        this.#publish(pending, now);
      }
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
      this.#failUnsent(pending, failure.tooLarge(request, size, limit));
      return;
    }
    pending.payload = undefined;
    pending.sent = true;
    pending.packetId = packetId;
    pending.order = ++this.#publishes;
    pending.packet = packet;
    pending.sentOn = this.#connectionNumber;
    pending.strayBefore = this.#stray;
    this.#published.add(pending);
    this.#unsettled++;
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

  /** How many answers have come so far. */
  get answers(): number {
    return this.#answers;
  }

  #onResponse(message: Message): void {
    const pending = this.#published.get(answeredPacketId(message));
    if (!pending?.packet || !isAnswer(message, pending.packet)) {
      // What answers a request that is over comes too late, or twice; it tells nothing about who answers.
      if (!this.#packets.isOwn(message)) this.#stray++;
      return;
    }
    this.#answers++;
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

  #read(message: Message, pending: Pending): unknown {
    const { request } = pending;
    const { payload } = message;
    const problem = problemOf(message);
    if (problem) {
      throw isSecond(pending)
        ? failure.notOfTheFirst(request, problem.text)
        : failure.fromStatus(request, payload, problem);
    }
    const version = message.userProperty(TIMESTAMP);
    if (version !== undefined) this.#advanceClock(version, request);
    if (isSecond(pending) && !isApplied(payload))
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
    const pending = this.#published.get(packetId);
    if (!pending || pending.acknowledged) return;
    pending.acknowledged = true;
    if (this.#again.size > 0) this.#goOnSendingAgain(pending);
    if (pending.settled) {
      this.#published.delete(pending);
      this.#pump();
    } else if (reasonCode !== 0) {
      const { request } = pending;
      const refusal = isSecond(pending)
        ? failure.notOfTheFirst(request, reasonWords(reasonCode))
        : failure.notDelivered(request, reasonCode);
      this.#fail(pending, refusal);
    }
  }

  /** What was settled while its PUBACK was outstanding is not sent again, so no PUBACK will come. */
  #onLost(): void {
    this.#connectionNumber++;
    this.#dropMarker();
    this.#again.clear();
    for (const pending of this.#unacknowledged) if (pending.settled) this.#release(pending);
    if (!this.#connection.refused) return;
    for (const pending of this.#queue.all())
      this.#failUnsent(pending, failure.notConnected(pending.request, this.#reason));
  }

  /** There will be no connection any more: nothing can be sent, and nobody will tell what became of what was. */
  #onStopped(): void {
    this.#dropMarker();
    for (const pending of this.#all) {
      this.#failUnsent(pending, failure.notConnected(pending.request, this.#reason));
    }
  }

  /**
   * What the broker has not acknowledged on the last connection may have been executed all the same, and a write must not be
   * executed twice. The answers to what was executed are in the session that the broker kept, before the answer to anything
   * that is asked now: it delivers the messages of a topic in their order (MQTT 5 section 4.6). So a GET of our own marks their
   * end; a write that has no answer by then never arrived.
   */
  #onConnected(): void {
    this.#most = Math.min(this.#limits.inFlightLimit, this.#connection.receiveMaximum, MOST_AT_A_TIME);
    const writes = this.#unacknowledged.filter(({ request }) => !request.repeatable);
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
      for (const pending of this.#unacknowledged) {
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
    return pending.sent && !pending.acknowledged && pending.sentOn !== this.#connectionNumber;
  }

  /** Sends again what is not acknowledged, in its order (MQTT 5 section 4.4), but for what has no time left; then the rest. */
  #sendAgain(): void {
    this.#unacknowledgedHere = 0;
    for (const pending of this.#unacknowledged) {
      if (this.#isHeld(pending)) this.#again.add(pending);
      else this.#unacknowledgedHere++;
    }
    this.#sendNextAgain();
    this.#pump();
  }

  /** As much as this connection may have unacknowledged, which may be less than the one before (MQTT 5 section 4.9). */
  #sendNextAgain(): void {
    const now = performance.now();
    for (const pending of this.#again) {
      if (this.#unacknowledgedHere >= this.#most) return;
      this.#again.delete(pending);
      const { packet } = pending;
      if (!packet) continue;
      if (pending.isTooLate(now)) {
        pending.acknowledged = true;
        continue;
      }
      const limit = this.#connection.maximumPacketSize;
      if (packet.packet.length > limit) {
        this.#failTooLarge(pending, packet.packet.length, limit);
        continue;
      }
      markDuplicate(packet, pending.secondsLeft(now));
      pending.sentOn = this.#connectionNumber;
      pending.repeated = true;
      this.#unacknowledgedHere++;
      this.#connection.publish(packet.packet);
    }
  }

  /** A publish was acknowledged, so that there is room for another one. */
  #goOnSendingAgain(acknowledged: Pending): void {
    // One that was not sent on this connection yet has taken no room.
    if (!this.#again.delete(acknowledged)) this.#unacknowledgedHere--;
    this.#sendNextAgain();
    this.#pump();
  }

  /** The broker takes smaller packets than the one that this was sent to. What is not {@link Request.repeatable} never arrived there. */
  #failTooLarge(pending: Pending, size: number, limit: number): void {
    const { request } = pending;
    const tooLarge = failure.tooLarge(request, size, limit);
    this.#fail(pending, isWrite(request) && request.repeatable ? failure.outcomeUnknown(request) : tooLarge);
  }

  /**
   * The broker knows nothing of what was in flight. What may be executed twice is asked again; of any other write nobody knows
   * the outcome.
   */
  #onSessionLost(): void {
    const again: Pending[] = [];
    for (const pending of this.#inFlight) {
      if (pending.request.repeatable) again.push(pending);
      else this.#fail(pending, failure.outcomeUnknown(pending.request));
    }
    for (const pending of again) {
      pending.payload = payloadOf(pending);
      pending.packet = undefined;
      pending.sent = false;
      pending.sentBefore = true;
      pending.acknowledged = false;
    }
    this.#again.clear();
    this.#published.clear();
    this.#unsettled = 0;
    this.#queue.putBack(again);
  }

  #onDeadline(pending: Pending): void {
    const { state } = this.#connection;
    if (pending.sent) {
      const stuck = !pending.acknowledged && !this.#isHeld(pending);
      this.#fail(pending, failure.timedOut(pending.request, this.#stray - pending.strayBefore));
      // What the broker did not acknowledge may still be on its way; it must not arrive after this was said.
      if (stuck) this.#connection.drop('the broker did not acknowledge a request in time');
    } else if (state.kind === 'connected') {
      this.#failUnsent(pending, failure.notSent(pending.request, this.#published.size));
    } else {
      this.#failUnsent(pending, failure.notConnected(pending.request, this.#connection.obstacle));
    }
  }

  /** Why there is no connection, as far as it is known: of an attempt that goes on, why the one before it failed. */
  get #reason(): ConnectionError | undefined {
    const { state } = this.#connection;
    return 'reason' in state ? state.reason : undefined;
  }

  /** Ends with `reason`, which says that nothing was sent, unless it may have been executed already. */
  #failUnsent(pending: Pending, reason: StateStoreError): void {
    const unknown = pending.wasSent && isWrite(pending.request);
    this.#fail(pending, unknown ? failure.outcomeUnknown(pending.request) : reason);
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
    if (pending.request.signal) this.#signals.remove(pending.request.signal);
    if (!pending.sent) {
      this.#queue.delete(pending);
    } else {
      this.#unsettled--;
      if (this.#isHeld(pending)) this.#release(pending);
      else if (pending.acknowledged) this.#published.delete(pending);
      this.#pump();
    }
    if (this.#onIdle && this.#idle) this.#onIdle();
  }

  /** Gives back the place of a settled publish that nobody will acknowledge. */
  #release(pending: Pending): void {
    this.#published.delete(pending);
    this.#again.delete(pending);
    if (this.#marker && !pending.request.repeatable && --this.#heldWrites === 0)
      this.#onMarked(this.#marker, true);
  }
}

/** Whether an answer may be to the second of two executions, where either answer will not do. */
function isSecond({ repeated, request }: Pending): boolean {
  return repeated && !request.repeatable;
}

/** What was published, and is not settled yet. */
function payloadOf({ packet }: Pending): Buffer {
  return packet ? packet.packet.subarray(packet.payloadAt) : Buffer.alloc(0);
}
