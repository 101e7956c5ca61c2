/**
 * The watches of all open pages. Node-RED's comms reach all users who are logged in, with any permissions. So a watch
 * sends to one connection only: the connection that named the watch. Its ID is known from an answer to a permitted request only.
 */
import type { NodeAPI } from 'node-red';
import type { WatchMessage, WatchTopic } from './protocol';
import { Watch } from './watch';

/** Topic of comms, in both directions. */
const WATCH_TOPIC: WatchTopic = 'statestore/watch';
/** Pages that are open at a time, of all users and of one. */
const MAX_WATCHES = 50;
const MAX_WATCHES_OF_USER = 20;
/** How long a new watch waits for its page to listen, in milliseconds. */
const UNATTENDED_MS = 5000;
/** How long a watch lives without being renewed, in milliseconds. */
const LEASE_MS = 60_000;

/** A message from an editor, as Node-RED hands it on. */
interface CommsMessage {
  /** Of the connection; no client ever learns it. */
  session: string;
  data?: unknown;
}

interface Open {
  watch: Watch;
  user: string | undefined;
  /** The connection that it sends to. */
  session: string | undefined;
  lease: NodeJS.Timeout;
  /** Ends the watch if no page listens. */
  unattended: NodeJS.Timeout;
}

export class Watches {
  readonly #RED: NodeAPI;
  readonly #open = new Map<string, Open>();

  constructor(RED: NodeAPI) {
    this.#RED = RED;
    RED.events.on(`comms:message:${WATCH_TOPIC}`, (message: CommsMessage) => this.#onMessage(message));
    RED.events.on('comms:connection-removed', ({ session }: CommsMessage) => this.#onDisconnected(session));
    RED.events.on('flows:started', () => {
      for (const { watch } of this.#open.values()) watch.onDeployed();
    });
  }

  /**
   * A new watch on a store, until it is ended, is not renewed for a minute, or its page is gone. `undefined` if there are too many, of
   * all users or of this one.
   */
  open(storeId: string, user: string | undefined): Watch | undefined {
    const open = [...this.#open.values()];
    if (open.length >= MAX_WATCHES) return undefined;
    if (user !== undefined && open.filter((one) => one.user === user).length >= MAX_WATCHES_OF_USER)
      return undefined;
    const watch = new Watch(storeId);
    const end = () => this.end(watch.id);
    const lease = setTimeout(end, LEASE_MS).unref();
    const unattended = setTimeout(end, UNATTENDED_MS).unref();
    this.#open.set(watch.id, { watch, user, session: undefined, lease, unattended });
    return watch;
  }

  /** The watch with this ID, renewed. */
  renewed(id: string): Watch | undefined {
    const open = this.#open.get(id);
    open?.lease.refresh();
    return open?.watch;
  }

  end(id: string): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    clearTimeout(open.lease);
    clearTimeout(open.unattended);
    open.watch.end();
  }

  /** A page that begins to listen (`seq` 0), or has shown a message. */
  #onMessage({ session, data }: CommsMessage): void {
    const { watch: id, seq } = (data ?? {}) as { watch?: unknown; seq?: unknown };
    const open = typeof id === 'string' ? this.#open.get(id) : undefined;
    if (!open || typeof seq !== 'number') return;
    if (open.session === undefined) {
      open.session = session;
      clearTimeout(open.unattended);
      open.watch.sendTo((message) => this.#send(session, message));
    } else if (open.session === session) {
      open.watch.acknowledge(seq);
    }
  }

  #send(session: string, data: WatchMessage): void {
    this.#RED.events.emit('comms', { topic: WATCH_TOPIC, data, session });
  }

  #onDisconnected(session: string): void {
    for (const [id, open] of this.#open) if (open.session === session) this.end(id);
  }
}
