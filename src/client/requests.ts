/**
 * Requests from the call to their one outcome: in the queue, in flight, settled. The rules of their fate are in
 * docs/dev/architecture.md, "Request outcomes".
 */
import { isWrite, StateStoreError } from '../errors';
import type { Arrival } from '../mqtt/arrival';
import type { Connection } from '../mqtt/connection';
import type { ConnectionError } from '../mqtt/connection-error';
import type { Message } from '../mqtt/publish';
import { ArrayWriter, encodeArray, type Items } from '../protocol/resp3';
import type { UserProperties } from '../protocol/user-properties';
import { readAnswer } from './answer';
import { Deadlines } from './deadlines';
import { InFlight } from './in-flight';
import { type ClientMetrics, MetricsCounter, type MetricsReporter } from './metrics';
import { Pending } from './pending';
import type { Request } from './request';
import * as failure from './request-errors';
import { type RequestIdentity, RequestPackets } from './request-packets';
import { type QueueLimits, RequestQueue } from './request-queue';
import { Signals } from './signals';
import { StoreClock } from './store-clock';

export interface RequestLimits extends QueueLimits {
  /** Maximum number of requests published and not yet answered, from 1. The broker's Receive Maximum may lower it. */
  inFlightLimit: number;
}

export class Requests {
  readonly #connection: Connection;
  readonly #responseTopic: string;
  readonly #clock: StoreClock;
  readonly #packets: RequestPackets;
  readonly #queue: RequestQueue;
  readonly #inFlight: InFlight;
  readonly #signals = new Signals(
    (pending, signal) => this.#fail(pending, pending.request.abortedBy(signal, pending.mayBeExecuted)),
    () => this.#all,
  );
  readonly #deadlines = new Deadlines((pending) => this.#onDeadline(pending));
  readonly #metrics: MetricsCounter;
  #answers = 0;
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(
    connection: Connection,
    identity: RequestIdentity & { nodeId: string },
    limits: RequestLimits,
    reporter?: MetricsReporter,
  ) {
    this.#connection = connection;
    this.#responseTopic = identity.responseTopic;
    this.#metrics = new MetricsCounter(reporter);
    this.#clock = new StoreClock(identity.nodeId);
    this.#queue = new RequestQueue(limits);
    this.#packets = new RequestPackets(identity);
    this.#inFlight = new InFlight(connection, this.#packets, this.#clock, limits.inFlightLimit, {
      fail: (pending, error) => this.#fail(pending, error),
      watchDeadline: (pending) => this.#deadlines.add(pending),
      onRoom: () => this.#pump(),
      onRejected: (reasonCode) => this.#metrics.rejected(reasonCode),
    });
    connection.on('state', ({ kind }) => {
      if (kind === 'connected') this.#onConnected();
      if (kind === 'disconnected') this.#onLost();
      if (kind === 'stopped') this.#onStopped();
    });
    connection.on('session', (present) => {
      if (!present) this.#queue.putBack(this.#inFlight.onSessionLost());
    });
    connection.serve({
      response: (message, arrival) => this.#onResponse(message, arrival),
      puback: (packetId, reasonCode) => this.#inFlight.onPuback(packetId, reasonCode),
      isTaken: (packetId) => this.#inFlight.isTaken(packetId),
      answers: () => this.#answers,
    });
  }

  /** Requests that wait to be published. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** Requests published and not yet answered. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** What was counted so far. */
  get metrics(): Pick<
    ClientMetrics,
    'requests' | 'connections' | 'rejected' | 'waiting' | 'inFlight' | 'clockOffsetMs'
  > {
    const { waiting, inFlight } = this;
    const { aheadMs } = this.#clock;
    return {
      ...this.#metrics.snapshot(),
      waiting,
      inFlight,
      ...(aheadMs !== undefined && { clockOffsetMs: aheadMs }),
    };
  }

  /** How many answers have come so far. */
  get answers(): number {
    return this.#answers;
  }

  /**
   * Takes a request to its one outcome, and opens the connection if need be. `items`: what its payload is made of; they are not needed
   * any more when this returns.
   */
  submit<Result>(request: Request<Result>, items: Items): Promise<Result> {
    const refusal = this.#refusal(request);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#connection.open();
    const inFlight = this.#inFlight;
    const atOnce = inFlight.hasRoom && inFlight.isQuiet && !this.#queue.isBehindOthers(request.urgent);
    if (!atOnce && !request.urgent) {
      const limit = this.#queue.fullBy(new ArrayWriter(items).bytes);
      if (limit !== undefined) return Promise.reject(this.#queueFull(request, limit));
    }
    return new Promise((resolve, reject) => {
      const now = performance.now();
      const pending = new Pending(request, atOnce ? items : encodeArray(items), resolve, reject, now);
      this.#deadlines.add(pending);
      if (request.signal) this.#signals.add(pending);
      if (atOnce) {
        this.#publish(pending, now);
      } else {
        this.#queue.add(pending);
        this.#pump();
      }
    });
  }

  /** Bytes of the packet of a request without a fencing token. `items`: what its payload is made of. */
  sizeOf(items: Items, userProperties: UserProperties | undefined): number {
    return this.#packets.sizeOf(new ArrayWriter(items).bytes, this.#clock.nodeId, userProperties);
  }

  /** Listens to the signal of many requests once, until the returned function is called. */
  listenTo(signal: AbortSignal): () => void {
    return this.#signals.keep(signal);
  }

  /** Why a request cannot even wait. */
  #refusal(request: Request): unknown {
    if (this.#closed) return failure.closed(request, false);
    if (request.signal?.aborted) return request.abortedBy(request.signal, false);
    if (this.#connection.state.kind === 'stopped' || this.#connection.refused)
      return failure.notConnected(request, this.#reason);
    return undefined;
  }

  #queueFull(request: Request, limit: 'number' | 'bytes'): StateStoreError {
    const { size: waiting, bytes } = this.#queue;
    return failure.queueFull(request, { limit, waiting, bytes }, this.#reason);
  }

  /** Takes no more requests, waits up to `patienceMs` for those under way, and fails the rest with `CLOSED`. */
  async close(patienceMs: number): Promise<void> {
    this.#closed = true;
    // All observing ends with the connection, so the store need not be asked.
    this.#closeAll(({ request }) => request.operation === 'unobserve');
    if (this.#connection.state.kind === 'connected' && !this.#isIdle) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patienceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#closeAll(() => true);
    this.#inFlight.stop();
    this.#deadlines.close();
  }

  #closeAll(which: (pending: Pending) => boolean): void {
    for (const pending of this.#all.filter(which))
      this.#fail(pending, failure.closed(pending.request, pending.mayBeExecuted));
  }

  get #isIdle(): boolean {
    return this.#queue.size === 0 && this.#inFlight.size === 0;
  }

  /** Requests without an outcome. */
  get #all(): Pending[] {
    return [...this.#queue.all(), ...this.#inFlight.all];
  }

  /** Sends the requests that may be sent: urgent requests, then repeated requests, then the rest. */
  #pump(): void {
    if (this.#queue.size === 0 && this.#inFlight.isQuiet) return;
    if (this.#connection.state.kind !== 'connected') return;
    const now = performance.now();
    this.#sendWaiting('urgent', now);
    if (this.#inFlight.backPressure.isPausing) return;
    this.#inFlight.sendAgain(now);
    this.#sendWaiting('usual', now);
  }

  #sendWaiting(lane: 'urgent' | 'usual', now: number): void {
    while (this.#inFlight.hasRoom) {
      const pending = this.#queue.take(lane, now, this.#inFlight.backPressure);
      if (!pending) return;
      this.#publish(pending, now);
    }
  }

  #publish(pending: Pending, now: number): void {
    const refusal = this.#inFlight.publish(pending, now);
    if (refusal) this.#failUnsent(pending, refusal);
  }

  #onResponse(message: Message, arrival: Arrival): void {
    const pending = this.#inFlight.answered(message);
    if (!pending) return;
    this.#answers++;
    let result: unknown;
    try {
      if (pending !== this.#inFlight.barrier) result = readAnswer(message, pending, this.#clock);
    } catch (error) {
      this.#fail(pending, error);
      return;
    }
    if (pending !== this.#inFlight.barrier)
      this.#metrics.succeeded(pending.request.operation, pending.ageMs(arrival.at));
    this.#settle(pending);
    pending.resolve(result);
  }

  #onConnected(): void {
    this.#metrics.connected();
    this.#inFlight.onConnected();
    this.#pump();
  }

  #onLost(): void {
    this.#inFlight.onLost();
    if (!this.#connection.refused) return;
    for (const pending of this.#queue.all())
      this.#failUnsent(pending, failure.notConnected(pending.request, this.#reason));
  }

  /** There will be no connection any more: nothing can be sent, and no answer will come. */
  #onStopped(): void {
    this.#inFlight.onLost();
    for (const pending of this.#all)
      this.#failUnsent(pending, failure.notConnected(pending.request, this.#reason));
  }

  #onDeadline(pending: Pending): void {
    const { request, phase, straysBefore } = pending;
    if (phase === 'waiting') this.#failUnsent(pending, this.#notSentInTime(request));
    else if (phase === 'rejected') this.#failUnsent(pending, failure.noRoom(request));
    else {
      if (phase === 'published' && isWrite(request)) this.#inFlight.watch.expire(pending);
      this.#fail(pending, this.timedOut(request, straysBefore));
    }
  }

  /** The error for a request without a response. `straysBefore`: the number of unmatched responses when it began. */
  timedOut(request: Request, straysBefore = this.#inFlight.strays): StateStoreError {
    return this.#inFlight.watch.isUnanswered
      ? failure.unanswered(request, this.#responseTopic)
      : failure.timedOut(request, this.#inFlight.strays - straysBefore);
  }

  #notSentInTime(request: Request): StateStoreError {
    const { places, watch, backPressure } = this.#inFlight;
    if (this.#connection.state.kind !== 'connected')
      return failure.notConnected(request, this.#connection.obstacle);
    return backPressure.isOn ? failure.noRoom(request) : failure.notSent(request, places, watch.silenceMs);
  }

  /** Why there is no connection, as far as it is known: of an attempt that goes on, why the one before it failed. */
  get #reason(): ConnectionError | undefined {
    const { state } = this.#connection;
    return 'reason' in state ? state.reason : undefined;
  }

  /** Ends with `reason`, which says that nothing was sent or accepted, unless it may have been executed already. */
  #failUnsent(pending: Pending, reason: StateStoreError): void {
    const unknown = pending.mayBeExecuted && isWrite(pending.request);
    this.#fail(pending, unknown ? failure.outcomeUnknown(pending.request) : reason);
  }

  #fail(pending: Pending, reason: unknown): void {
    if (pending.isOver) return;
    pending.packet = undefined;
    this.#metrics.failed(pending.request.operation, errorTypeOf(reason), pending.ageMs(performance.now()));
    this.#settle(pending);
    pending.reject(reason);
  }

  /** Every request ends here, with any outcome. */
  #settle(pending: Pending): void {
    this.#deadlines.remove(pending);
    if (pending.request.signal) this.#signals.remove(pending);
    if (pending.phase === 'waiting') {
      this.#queue.delete(pending);
      pending.phase = 'settled';
    } else {
      this.#inFlight.settle(pending);
      this.#pump();
    }
    if (this.#onIdle && this.#isIdle) this.#onIdle();
  }
}

/** The code of the error, or `ABORTED` if a signal gave the reason. */
function errorTypeOf(reason: unknown): string {
  return reason instanceof StateStoreError ? reason.code : 'ABORTED';
}
