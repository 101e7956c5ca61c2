import type { Message } from '../../mqtt/publish';
import type { Clients } from './clients';
import { forwarded, type Granted, granted, outgoing, PLACEHOLDER, subscriptionOf, UNASKED } from './outgoing';
import { type Publication, publicationPacket } from './publication';
import type { Outgoing, Session } from './session';
import type { Sessions } from './sessions';

/** A retained message for a new subscription. */
export interface RetainedDelivery {
  message: Message;
  /** Of the subscription. */
  qos: number;
  identifier: number | undefined;
}

/** Brings messages to the sessions that subscribed to their topic. */
export class Deliveries<Identity extends object> {
  readonly #sessions: Sessions;
  readonly #clients: Clients<Identity>;

  constructor(sessions: Sessions, clients: Clients<Identity>) {
    this.#sessions = sessions;
    this.#clients = clients;
  }

  /**
   * Sends a message of the store. The client that it is for gets it at once, so that responses and notifications arrive in the order in which they were
   * made; a notification also without a subscription. Then all others that subscribed to the topic get it.
   */
  send(publication: Publication): void {
    const { kind, clientId, topic, messageExpiryInterval } = publication;
    const client = this.#clients.get(clientId);
    const subscription = client && subscriptionOf(client.session, topic);
    const encode = (to: Session, { qos, identifiers }: Granted): Outgoing => {
      const version = this.#clients.versionOf(to.clientId);
      const writer = publicationPacket(publication, qos === 0 ? 0 : PLACEHOLDER, identifiers, version);
      return outgoing(writer, messageExpiryInterval);
    };
    const served = subscription || kind === 'notification' ? client?.session : undefined;
    served?.deliver(encode(served, subscription ? granted([subscription], 1) : UNASKED));
    if (!this.#sessions.hasOthers(topic, served)) return;
    for (const [session, subscriptions] of this.#sessions.match(topic))
      if (session !== served) session.deliver(encode(session, granted(subscriptions, 1)));
  }

  /** Sends a message of a client, whose session is `from`, or of a will. */
  forward(message: Message, from: Session | undefined): void {
    for (const [session, all] of this.#sessions.match(message.topic)) {
      const subscriptions = session === from ? all.filter(({ noLocal }) => !noLocal) : all;
      if (subscriptions.length === 0) continue;
      const keepsRetain = subscriptions.some(({ retainAsPublished }) => retainAsPublished);
      const version = this.#clients.versionOf(session.clientId);
      session.deliver(
        forwarded(message, granted(subscriptions, message.qos), version, keepsRetain && message.retain),
      );
    }
  }

  /** Sends the retained messages of new subscriptions. */
  sendRetained(session: Session, version: number, deliveries: readonly RetainedDelivery[]): void {
    for (const { message, qos, identifier } of deliveries) {
      const identifiers = identifier === undefined ? [] : [identifier];
      session.deliver(forwarded(message, { qos: Math.min(qos, message.qos), identifiers }, version, true));
    }
  }
}
