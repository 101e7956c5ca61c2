/** Requests that were published and are not over: docs/dev/architecture.md, "Request outcomes". */
import type { StateStoreError } from '../errors';
import type { Connection } from '../mqtt/connection';
import type { Message } from '../mqtt/publish';
import { ReasonCode } from '../reason-codes';
import { BackPressure } from './back-pressure';
import { barrierRead } from './barrier';
import { BrokerWatch } from './broker-watch';
import type { Pending } from './pending';
import { Published } from './published';
import * as failure from './request-errors';
import { answeredPacketId, isAnswer, markRepeat, type RequestPackets } from './request-packets';
import { Resumption } from './resumption';
import { Rush } from './rush';
import type { StoreClock } from './store-clock';

/** Of 65,535 packet identifiers (MQTT 5 section 2.2.1), one is for the barrier, and one to subscribe and unsubscribe with. */
const MAX_AT_A_TIME = 65_533;

/** Who gives requests their outcomes. */
export interface Outcomes {
  fail(pending: Pending, error: unknown): void;
  /** A request of this client's own has a deadline, too. */
  watchDeadline(pending: Pending): void;
  /** There may be room for more. */
  onRoom(): void;
  /** The broker did not accept a publish. */
  onRejected(reasonCode: number): void;
}

export class InFlight {
  readonly #connection: Connection;
  readonly #limit: number;
  readonly #outcomes: Outcomes;
  readonly #packets: RequestPackets;
  readonly #clock: StoreClock;
  readonly #published: Published;
  readonly #resumption = new Resumption();
  readonly #backPressure = new BackPressure();
  readonly #watch: BrokerWatch;
  #barrier: Pending | undefined;
  /** Ends the pause after a rejection. */
  #pause: NodeJS.Timeout | undefined;
  /** How many requests were published so far. */
  #publishes = 0;
  /** Without an outcome. */
  #open = 0;
  readonly #rush = new Rush();
  /** Publishes of this connection without a PUBACK. */
  #unacknowledged = 0;
  /** Maximum number of publishes without a PUBACK, by our own limit and that of the broker. */
  #most = 0;
  #strays = 0;

  constructor(
    connection: Connection,
    packets: RequestPackets,
    clock: StoreClock,
    limit: number,
    outcomes: Outcomes,
  ) {
    this.#connection = connection;
    this.#packets = packets;
    this.#clock = clock;
    this.#limit = limit;
    this.#outcomes = outcomes;
    // One more than the limit is the barrier.
    this.#published = new Published(limit + 1);
    this.#watch = new BrokerWatch(connection, () => this.#unacknowledged);
  }

  /** Number of requests without an outcome. */
  get size(): number {
    return this.#open;
  }

  /** Number of places taken: requests that are not both over and acknowledged. */
  get places(): number {
    return this.#published.size;
  }

  /** How many answers matched no request of this client. */
  get strays(): number {
    return this.#strays;
  }

  /** Gives the connection up if the broker is silent. */
  get watch(): BrokerWatch {
    return this.#watch;
  }

  get backPressure(): BackPressure {
    return this.#backPressure;
  }

  /** Whether there is a place for a new request, and nothing has to be sent before it. */
  get hasRoom(): boolean {
    return (
      this.#published.size < this.#most &&
      !this.#resumption.isUnderWay &&
      this.#connection.state.kind === 'connected'
    );
  }

  /** Whether nothing but a place is needed to send a request at once. */
  get isQuiet(): boolean {
    return !this.#resumption.isUnderWay && !this.#backPressure.isOn;
  }

  /** Requests without an outcome, in the order of their publishes. */
  get all(): Pending[] {
    return this.#published.inOrder().filter(({ isOver }) => !isOver);
  }

  isTaken(packetId: number): boolean {
    return this.#published.isTaken(packetId);
  }

  /** Publishes a request. Returns why it cannot be: it is too large. */
  publish(pending: Pending, now: number): StateStoreError | undefined {
    const { request, payload } = pending;
    if (!payload) return undefined;
    const packetId = this.#connection.newPacketId();
    const packet = this.#packets.make({
      packetId,
      expiry: pending.secondsLeft(now),
      timestamp: this.#clock.tick(Date.now()),
      fencingToken: request.fencingToken,
      userProperties: request.userProperties,
      payload,
    });
    const limit = this.#connection.maximumPacketSize;
    const size = packet.packet.length;
    if (size > limit) return failure.tooLarge(request, size, limit);
    pending.payload = undefined;
    pending.packetId = packetId;
    pending.order = ++this.#publishes;
    pending.packet = packet;
    pending.straysBefore = this.#strays;
    this.#published.add(pending);
    this.#open++;
    this.#send(pending, packet.packet, now);
    return undefined;
  }

  /** Sends what may be sent again by now. */
  sendAgain(now: number): void {
    if (this.#backPressure.isOn) this.#sendRejected(now);
    this.#sendHeld(now);
  }

  /** The request that a message answers, if it has no outcome. */
  answered(message: Message): Pending | undefined {
    this.#watch.respond();
    const pending = this.#published.get(answeredPacketId(message));
    if (pending?.packet && !pending.isOver && isAnswer(message, pending.packet)) return pending;
    // The answer to a request that is over comes too late, or twice: it says nothing about the store.
    if (!this.#packets.isOwn(message)) this.#strays++;
    return undefined;
  }

  get barrier(): Pending | undefined {
    return this.#barrier;
  }

  /** A request has its outcome. Without a PUBACK it keeps its place until that comes, or the connection ends. */
  settle(pending: Pending): void {
    this.#open--;
    if (pending.phase === 'published') {
      pending.phase = 'lingering';
      return;
    }
    if (this.#backPressure.isOn && pending.phase === 'rejected') this.#backPressure.drop(pending);
    this.#release(pending, pending.phase === 'acknowledged');
    // With nothing left to decide, the barrier need not be waited for.
    if (this.#resumption.isUnderWay && this.#resumption.drop(pending)) this.#barrier = undefined;
  }

  onPuback(packetId: number, reasonCode: number): void {
    const pending = this.#published.get(packetId);
    if (!pending?.isUnacknowledged) return;
    this.#unacknowledged--;
    this.#watch.acknowledge(pending, reasonCode === 0);
    if (reasonCode !== 0) this.#outcomes.onRejected(reasonCode);
    const rejected = reasonCode === ReasonCode.QUOTA_EXCEEDED;
    if (rejected) this.#reject(pending);
    else if (this.#backPressure.isOn) this.#acknowledgeUnderPressure(pending, reasonCode === 0);
    if (pending.phase === 'lingering') {
      this.#release(pending, true);
    } else if (!rejected) {
      pending.phase = 'acknowledged';
      if (reasonCode !== 0) this.#outcomes.fail(pending, failure.refusedByBroker(pending, reasonCode));
    }
    this.#outcomes.onRoom();
  }

  onConnected(): void {
    this.#most = Math.min(this.#limit, this.#connection.receiveMaximum, MAX_AT_A_TIME);
    const again = this.#published.inOrder().filter(({ phase }) => phase === 'held' || phase === 'rejected');
    const unproven = this.#resumption.begin(again);
    if (!unproven) return;
    const now = performance.now();
    this.#barrier = barrierRead(unproven, now, (barrier, answered) => this.#onBarrier(barrier, answered));
    this.#outcomes.watchDeadline(this.#barrier);
    this.publish(this.#barrier, now);
  }

  /** The connection is over: no PUBACK of it will come any more. */
  onLost(): void {
    this.stop();
    this.#resumption.stop();
    this.#backPressure.reset();
    this.#unacknowledged = 0;
    const barrier = this.#barrier;
    this.#barrier = undefined;
    for (const pending of this.#published.inOrder()) {
      if (pending.phase === 'published') pending.phase = 'held';
      else if (pending.phase === 'lingering') this.#release(pending, false);
    }
    if (barrier) this.#outcomes.fail(barrier, undefined);
  }

  /**
   * The broker has a new session. Returns the requests that may be sent into it: requests that never arrived, and requests that may be
   * executed twice. The outcome of any other write is unknown.
   */
  onSessionLost(): Pending[] {
    const again: Pending[] = [];
    for (const pending of this.all) {
      if (pending.needsProof) {
        this.#outcomes.fail(pending, failure.outcomeUnknown(pending.request));
        continue;
      }
      again.push(pending);
      pending.payload = pending.publishedPayload;
      pending.packet = undefined;
      pending.phase = 'waiting';
    }
    this.#published.clear();
    this.#open = 0;
    return again;
  }

  /** Ends all timers. */
  stop(): void {
    this.#watch.stop();
    clearTimeout(this.#pause);
  }

  /** The broker did not accept these, so they go out with the packet they had. */
  #sendRejected(now: number): void {
    for (const pending of [...this.#backPressure.rejected]) {
      if (this.#unacknowledged >= this.#most) return;
      if (this.#resumption.isAtBarrier && pending !== this.#barrier) continue;
      // A late one waits for its deadline.
      if (pending.isTooLate(now)) this.#backPressure.drop(pending);
      else if (this.#backPressure.mayPublish(pending)) this.#repeat(pending, now);
    }
  }

  /** Not more than this connection may have unacknowledged, which may be less than the one before (MQTT 5 section 4.9). */
  #sendHeld(now: number): void {
    for (let pending = this.#resumption.next; pending; pending = this.#resumption.next) {
      if (this.#unacknowledged >= this.#most || !this.#backPressure.mayPublish(pending)) return;
      this.#resumption.drop(pending);
      const size = pending.packet?.packet.length ?? 0;
      const limit = this.#connection.maximumPacketSize;
      if (size > limit) this.#outcomes.fail(pending, failure.tooLargeAgain(pending, size, limit));
      else if (!pending.isTooLate(now)) this.#repeat(pending, now);
    }
  }

  #repeat(pending: Pending, now: number): void {
    if (!pending.packet) return;
    markRepeat(pending.packet, pending.secondsLeft(now), pending.mayBeExecuted);
    this.#send(pending, pending.packet.packet, now);
  }

  #send(pending: Pending, packet: Buffer, now: number): void {
    pending.phase = 'published';
    pending.copies++;
    this.#unacknowledged++;
    if (this.#backPressure.isOn) this.#backPressure.publish(pending);
    this.#watch.publish(pending, now);
    // The store works on some of them while this process makes the others.
    this.#connection.publish(packet, this.#rush.next(this.#open));
  }

  /** The broker has no room at the moment. The request was not accepted, so that sending it again executes nothing twice. */
  #reject(pending: Pending): void {
    const unacknowledged = () => this.#published.inOrder().filter((one) => one.isUnacknowledged);
    const pauseMs = this.#backPressure.reject(pending, performance.now(), unacknowledged);
    if (!pending.isOver) {
      pending.phase = 'rejected';
      pending.copies--;
    }
    if (pauseMs === undefined) return;
    this.#pause = setTimeout(() => {
      this.#backPressure.endPause();
      this.#outcomes.onRoom();
    }, pauseMs);
  }

  #acknowledgeUnderPressure(pending: Pending, accepted: boolean): void {
    for (const one of this.#backPressure.acknowledge(pending, accepted, performance.now()))
      this.#outcomes.fail(
        one,
        one.mayBeExecuted ? failure.outcomeUnknown(one.request) : failure.overtaken(one.request),
      );
  }

  #onBarrier(barrier: Pending, answered: boolean): void {
    if (this.#barrier !== barrier) return;
    this.#barrier = undefined;
    if (answered) this.#resumption.prove();
    for (const pending of this.#resumption.giveUpProof())
      this.#outcomes.fail(pending, failure.arrivalUnknown(pending.request));
    this.#outcomes.onRoom();
  }

  /** `isReceived`: the broker has acknowledged its last publish, so that the socket has none of it any more. */
  #release(pending: Pending, isReceived: boolean): void {
    const { packet } = pending;
    pending.phase = 'settled';
    pending.packet = undefined;
    this.#published.delete(pending);
    if (packet && isReceived) this.#packets.recycle(packet);
  }
}
