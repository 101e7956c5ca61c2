import type { FilterOptions } from './client-packets';
import type { Subscription } from './session';
import { Session } from './session';
import { TopicIndex } from './topic-index';

/** Sessions of clients that are away: how long at most, in seconds, and how many. */
export const LONGEST_SESSION = 86_400;
export const MOST_SESSIONS = 1000;

/** The sessions of all clients, connected or away, and what they subscribe to. In memory. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #index = new TopicIndex<Subscription>();
  #away = 0;

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  /** The session of a client that logs in, and whether it was there. With `clean` it is a new one. */
  open(clientId: string, clean: boolean, nowMs: number): { session: Session; isPresent: boolean } {
    const known = this.#sessions.get(clientId);
    if (known && !known.connection) this.#away--;
    if (known?.isWhole && !clean && known.endsAt > nowMs) return { session: known, isPresent: true };
    if (known) this.#forget(known);
    const session = new Session(clientId);
    this.#sessions.set(clientId, session);
    return { session, isPresent: false };
  }

  /** The connection of the client ended. */
  leave(session: Session, nowMs: number): void {
    session.detach(nowMs);
    if (session.keepMs === 0 || !session.isWhole || this.#away >= MOST_SESSIONS) this.#forget(session);
    else this.#away++;
  }

  /** Returns whether the session had no such subscription. */
  subscribe(session: Session, { filter, ...options }: FilterOptions): boolean {
    const before = session.subscriptions.get(filter);
    if (before) this.#index.remove(filter, before);
    const subscription = { session, ...options };
    session.subscriptions.set(filter, subscription);
    this.#index.add(filter, subscription);
    return before === undefined;
  }

  /** Returns whether the session had the subscription. */
  unsubscribe(session: Session, filter: string): boolean {
    const subscription = session.subscriptions.get(filter);
    if (!subscription) return false;
    session.subscriptions.delete(filter);
    this.#index.remove(filter, subscription);
    return true;
  }

  /** Whether a subscription of another session than `session` matches the topic. */
  hasOthers(topic: string, session?: Session): boolean {
    return this.#index.some(topic, (one) => one.session !== session);
  }

  /** The subscriptions that match a topic, by session. */
  match(topic: string): Map<Session, Subscription[]> {
    const found = new Map<Session, Subscription[]>();
    for (const one of this.#index.match(topic)) {
      const list = found.get(one.session);
      if (list) list.push(one);
      else found.set(one.session, [one]);
    }
    return found;
  }

  /** Ends sessions whose time is over and drops messages that expired. */
  sweep(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      session.dropExpired(nowMs);
      if (session.connection || (session.isWhole && session.endsAt > nowMs)) continue;
      this.#away--;
      this.#forget(session);
    }
  }

  #forget(session: Session): void {
    for (const filter of [...session.subscriptions.keys()]) this.unsubscribe(session, filter);
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }
}
