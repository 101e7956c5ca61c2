import type { Aedes, Client } from 'aedes';
import { type Publication, propertiesOf, publicationPacket } from './publication';
import { type Listener, Router } from './router';
import { type BrokerPacket, nextId, Sessions } from './sessions';
import { filterMatches } from './topic-index';

interface Subscription {
  qos: number;
  /** Subscription identifier. */
  si?: number;
  func: Listener<BrokerPacket>;
}

/** What Aedes knows of a client beyond its types. Its version is pinned. */
export interface BrokerClient extends Client {
  subscriptions: Record<string, Subscription>;
  _nextId: number;
  _keepaliveTimer: NodeJS.Timeout | null;
}

type Clients = Record<string, BrokerClient | undefined>;

/**
 * Brings what the store says to its clients. The client that asked, or observes, gets it directly and at once, so that answers and
 * notifications arrive in the order in which they were made; Aedes is troubled only where others subscribed to the topic, too.
 */
export class Delivery {
  readonly router: Router<BrokerPacket>;
  readonly sessions: Sessions;
  /** Properties of a packet -> the client that has it already. Aedes copies packets, but not their properties. */
  readonly #served = new WeakMap<object, string>();
  #broker: Aedes | undefined;
  #clients: Clients = {};

  constructor() {
    this.router = new Router((packet, listener) => {
      const client = this.client(this.#servedClient(packet));
      return client !== undefined && owns(client, listener);
    });
    this.sessions = new Sessions((packet, clientId) => this.#servedClient(packet) === clientId);
  }

  /** Takes the broker that was made with this router and these sessions. */
  attach(broker: Aedes): void {
    this.#broker = broker;
    // No prototype: a client may be called "constructor".
    this.#clients = Object.create(null);
    Object.assign(broker, { clients: this.#clients });
  }

  client(id: string | undefined): BrokerClient | undefined {
    return id === undefined ? undefined : this.#clients[id];
  }

  /** Whether anybody but this client subscribed to the topic. */
  hasOthers(topic: string, client?: BrokerClient): boolean {
    const isOthers = (listener: Listener<BrokerPacket>) => !client || !owns(client, listener, topic);
    return this.router.hasListener(topic, isOthers) || this.sessions.hasOthers(topic, client?.id ?? '');
  }

  send(publication: Publication): void {
    const { kind, clientId, topic, payload } = publication;
    const client = this.client(clientId);
    const subscription = client?.connected ? subscriptionOf(client, topic) : undefined;
    const isServed = client?.connected && (kind === 'notification' || subscription !== undefined);
    if (isServed) this.#sendTo(client, publication, subscription);
    if (isServed && !this.hasOthers(topic, client)) return;
    const properties = propertiesOf(publication);
    if (isServed) this.#served.set(properties, clientId);
    const packet = { cmd: 'publish' as const, qos: 1 as const, dup: false, retain: false };
    this.#broker?.publish({ ...packet, topic, payload, properties }, () => undefined);
  }

  #sendTo(client: BrokerClient, publication: Publication, subscription: Subscription | undefined): void {
    const isKept = !client.clean;
    const packetId = subscription?.qos === 0 ? 0 : this.#packetId(client);
    const packet = publicationPacket(publication, packetId, subscription?.si);
    // MQTT 5 section 3.1.2.11.4: as if it had been sent.
    if (client.maximumPacketSize !== undefined && packet.length > client.maximumPacketSize) return;
    client.conn.write(packet);
    if (packetId > 0 && isKept) this.sessions.keep(client.id, storedPacket(publication), packetId);
  }

  /** The next packet identifier, of which Aedes's own publishes take some, too. */
  #packetId(client: BrokerClient): number {
    let id = client._nextId;
    if (!client.clean) while (this.sessions.isInFlight(client.id, id)) id = nextId(id);
    client._nextId = nextId(id);
    return id;
  }

  #servedClient({ properties }: BrokerPacket): string | undefined {
    return properties && this.#served.get(properties);
  }
}

function storedPacket(publication: Publication): BrokerPacket {
  const { topic, payload, messageExpiryInterval } = publication;
  const properties = propertiesOf(publication);
  // A copy: the correlation data is a view into a whole chunk that came from a socket.
  if (properties.correlationData) properties.correlationData = Buffer.from(properties.correlationData);
  const packet: BrokerPacket = { cmd: 'publish', topic, payload, qos: 1, properties };
  if (messageExpiryInterval !== undefined) packet.messageExpiry = Date.now() + messageExpiryInterval * 1000;
  return packet;
}

/** The client's subscription for a topic, the one with the highest QoS where several match (MQTT 5 section 3.3.4). */
function subscriptionOf({ subscriptions }: BrokerClient, topic: string): Subscription | undefined {
  let best = subscriptions[topic];
  if (best && best.qos > 0) return best;
  for (const filter in subscriptions) {
    const one = subscriptions[filter] as Subscription;
    if (filterMatches(filter, topic) && (!best || one.qos > best.qos)) best = one;
  }
  return best;
}

function owns({ subscriptions }: BrokerClient, listener: Listener<BrokerPacket>, topic = ''): boolean {
  if (subscriptions[topic]?.func === listener) return true;
  for (const filter in subscriptions) if (subscriptions[filter]?.func === listener) return true;
  return false;
}
