import { Readable } from 'node:stream';
import { NumberMap } from './number-map';
import { filterMatches, TopicIndex } from './topic-index';

/** Most bytes of messages kept for one client. What would be more is not kept. */
const MAX_STORED_BYTES = 2 ** 24;
/** What a message costs beside topic and payload, about. */
const MESSAGE_BYTES = 512;

/** A packet as Aedes makes them. */
export interface BrokerPacket {
  cmd: string;
  topic: string;
  payload: Buffer;
  qos?: number;
  retain?: boolean;
  dup?: boolean;
  messageId?: number | undefined;
  properties?: object;
  /** Milliseconds since 1970. */
  messageExpiry?: number;
  brokerId?: string;
  brokerCounter?: number;
}

interface Subscription {
  topic: string;
  qos: number;
  rh?: number;
  rap?: boolean;
  nl?: boolean;
  subscriptionIdentifier?: number;
}

type Match = Subscription & { clientId: string };

/** A message for a client that has not acknowledged it. */
interface Stored {
  packet: BrokerPacket;
  bytes: number;
  /** It was sent already. */
  messageId: number | undefined;
  /** Counts the messages of the session. */
  number: number;
}

class Session {
  /** Filter -> what {@link Sessions} found under it. */
  readonly subscriptions = new Map<string, Match>();
  /** In the order in which they are to arrive. */
  readonly stored = new NumberMap<Stored>();
  readonly byId = new NumberMap<Stored>();
  /** Those not sent yet, by the number Aedes gave them. */
  readonly byCounter = new Map<number, Stored>();
  /** Packet identifiers of QoS 2 messages received and not released. */
  readonly received = new Set<number>();
  bytes = 0;
  #count = 0;

  add(packet: BrokerPacket, messageId: number | undefined): void {
    const bytes = MESSAGE_BYTES + packet.topic.length + packet.payload.length;
    if (this.bytes + bytes > MAX_STORED_BYTES) return;
    const one: Stored = { packet, bytes, messageId, number: ++this.#count };
    this.stored.set(one.number, one);
    this.bytes += bytes;
    if (messageId !== undefined) this.byId.set(messageId, one);
    else if (packet.brokerCounter !== undefined) this.byCounter.set(packet.brokerCounter, one);
  }

  remove(one: Stored): void {
    this.stored.delete(one.number);
    this.bytes -= one.bytes;
    if (one.messageId !== undefined) this.byId.delete(one.messageId);
    else if (one.packet.brokerCounter !== undefined) this.byCounter.delete(one.packet.brokerCounter);
  }
}

/**
 * What the broker remembers of its clients: subscriptions and messages of sessions that are kept, wills, and retained messages. In
 * memory. It takes the place of Aedes's own persistence (its option `persistence`), which keeps messages without limit.
 */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #subscriptions = new TopicIndex<Match>();
  readonly #retained = new Map<string, BrokerPacket>();
  readonly #wills = new Map<string, object>();
  readonly #isServed: (packet: BrokerPacket, clientId: string) => boolean;
  #brokerId = '';

  /** `isServed`: whether a client has this packet already. */
  constructor(isServed: (packet: BrokerPacket, clientId: string) => boolean) {
    this.#isServed = isServed;
  }

  /** How many messages wait, of all clients. */
  get messages(): number {
    let count = 0;
    for (const { stored } of this.#sessions.values()) count += stored.size;
    return count;
  }

  /** Whether a kept session other than this client's subscribed to the topic. */
  hasOthers(topic: string, clientId: string): boolean {
    return this.#subscriptions.some(topic, (match) => match.clientId !== clientId);
  }

  /** Whether a message with this packet identifier waits for its acknowledgement. */
  isInFlight(clientId: string, messageId: number): boolean {
    return this.#sessions.get(clientId)?.byId.has(messageId) ?? false;
  }

  /** Keeps a message that is being sent until {@link acknowledge}. */
  keep(clientId: string, packet: BrokerPacket, messageId: number): void {
    this.#session(clientId).add(packet, messageId);
  }

  acknowledge(clientId: string, messageId: number): BrokerPacket | undefined {
    const session = this.#sessions.get(clientId);
    const one = session?.byId.get(messageId);
    if (one) session?.remove(one);
    return one?.packet;
  }

  /** Forgets everything about a client. */
  end(clientId: string): void {
    const session = this.#sessions.get(clientId);
    this.#sessions.delete(clientId);
    for (const [filter, match] of session?.subscriptions ?? []) this.#subscriptions.remove(filter, match);
  }

  /** Drops messages whose expiry has passed. */
  dropExpired(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      for (const one of session.stored.values()) {
        if (hasExpired(one.packet, nowMs)) session.remove(one);
      }
    }
  }

  // What follows is called by Aedes.

  async setup(broker: { id: string }): Promise<void> {
    this.#brokerId = broker.id;
  }

  async addSubscriptions({ id }: { id: string }, subscriptions: Subscription[]): Promise<void> {
    const session = this.#session(id);
    for (const subscription of subscriptions) {
      const { topic } = subscription;
      const before = session.subscriptions.get(topic);
      if (before) this.#subscriptions.remove(topic, before);
      const match = { ...subscription, clientId: id };
      session.subscriptions.set(topic, match);
      if (match.qos > 0) this.#subscriptions.add(topic, match);
    }
  }

  async removeSubscriptions({ id }: { id: string }, filters: string[]): Promise<void> {
    const session = this.#sessions.get(id);
    for (const filter of filters) {
      const match = session?.subscriptions.get(filter);
      if (!match) continue;
      session?.subscriptions.delete(filter);
      this.#subscriptions.remove(filter, match);
    }
  }

  async subscriptionsByClient({ id }: { id: string }): Promise<Subscription[]> {
    return [...(this.#sessions.get(id)?.subscriptions.values() ?? [])].map(
      ({ clientId: _, ...subscription }) => subscription,
    );
  }

  async subscriptionsByTopic(topic: string): Promise<Match[]> {
    // A client whose subscriptions overlap gets one copy.
    return [...new Map(this.#subscriptions.match(topic).map((match) => [match.clientId, match])).values()];
  }

  /** The session ends, or begins anew. */
  async cleanSubscriptions({ id }: { id: string }): Promise<void> {
    this.end(id);
  }

  async outgoingEnqueue({ clientId }: { clientId: string }, packet: BrokerPacket): Promise<void> {
    this.#session(clientId).add({ ...packet }, undefined);
  }

  async outgoingEnqueueCombi(matches: Match[], packet: BrokerPacket): Promise<void> {
    for (const { clientId } of matches) {
      if (!this.#isServed(packet, clientId)) this.#session(clientId).add({ ...packet }, undefined);
    }
  }

  /** A message is sent and got its packet identifier, or a QoS 2 message was received and is released. */
  async outgoingUpdate({ id }: { id: string }, packet: BrokerPacket): Promise<void> {
    const session = this.#sessions.get(id);
    const { messageId } = packet;
    if (!session || messageId === undefined) return;
    if (packet.cmd === 'pubrel') {
      const known = session.byId.get(messageId);
      if (known) known.packet = { ...packet, topic: '', payload: Buffer.alloc(0) };
      return;
    }
    const one = session.byCounter.get(packet.brokerCounter ?? -1);
    if (!one) return;
    while (session.byId.has(packet.messageId as number))
      packet.messageId = nextId(packet.messageId as number);
    session.byCounter.delete(packet.brokerCounter as number);
    one.messageId = packet.messageId;
    session.byId.set(packet.messageId as number, one);
  }

  async outgoingClearMessageId(
    { id }: { id: string },
    { messageId }: BrokerPacket,
  ): Promise<BrokerPacket | undefined> {
    return messageId === undefined ? undefined : this.acknowledge(id, messageId);
  }

  /** What a client that came back has not acknowledged, in order. */
  outgoingStream({ id }: { id: string }): Readable {
    const now = Date.now();
    const session = this.#sessions.get(id);
    return Readable.from(
      (session?.stored.values() ?? [])
        .filter(({ packet }) => !hasExpired(packet, now))
        .map(({ packet, messageId }) =>
          messageId === undefined ? packet : { ...packet, messageId, dup: packet.cmd === 'publish' },
        ),
    );
  }

  async incomingStorePacket({ id }: { id: string }, { messageId }: BrokerPacket): Promise<void> {
    this.#session(id).received.add(messageId as number);
  }

  async incomingGetPacket({ id }: { id: string }, packet: BrokerPacket): Promise<BrokerPacket> {
    if (this.#sessions.get(id)?.received.has(packet.messageId as number)) return packet;
    throw new Error('no such packet');
  }

  async incomingDelPacket({ id }: { id: string }, { messageId }: BrokerPacket): Promise<void> {
    this.#sessions.get(id)?.received.delete(messageId as number);
  }

  async storeRetained(packet: BrokerPacket): Promise<void> {
    if (packet.payload.length === 0) this.#retained.delete(packet.topic);
    else this.#retained.set(packet.topic, { ...packet });
  }

  createRetainedStreamCombi(filters: string[]): Readable {
    return Readable.from(
      [...this.#retained.values()].filter(({ topic }) =>
        filters.some((filter) => filterMatches(filter, topic)),
      ),
    );
  }

  async putWill({ id }: { id: string }, will: object): Promise<void> {
    this.#wills.set(id, Object.assign(will, { brokerId: this.#brokerId, clientId: id }));
  }

  async getWill({ id }: { id: string }): Promise<object | undefined> {
    return this.#wills.get(id);
  }

  async delWill({ id }: { id: string }): Promise<object | undefined> {
    const will = this.#wills.get(id);
    this.#wills.delete(id);
    return will;
  }

  /** Wills that other brokers left behind: there are none. */
  streamWill(): Readable {
    return Readable.from([]);
  }

  #session(clientId: string): Session {
    const session = this.#sessions.get(clientId) ?? new Session();
    this.#sessions.set(clientId, session);
    return session;
  }
}

/** The packet identifier that follows (MQTT 5 section 2.2.1). */
export function nextId(messageId: number): number {
  return messageId >= 65_535 ? 1 : messageId + 1;
}

function hasExpired({ messageExpiry }: BrokerPacket, nowMs: number): boolean {
  return messageExpiry !== undefined && messageExpiry <= nowMs;
}
