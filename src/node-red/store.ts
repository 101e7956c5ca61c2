import { EventEmitter } from 'node:events';
import type { Node } from 'node-red';
import type { StateStoreClientOptions } from '../client/options';
import { StateStoreClient } from '../client/state-store-client';
import type { ConnectionState } from '../mqtt/connection';
import type { StoreCredentials } from './settings';

/** The runtime node of a `statestore-config`. */
export interface StoreNode extends Node<StoreCredentials> {
  store: Store;
  /** Node-RED hands this node's status and errors on to the nodes in here; it must be a plain object. */
  users: Record<string, Node>;
}

/** Somebody who uses a store and is no node: an open page, for example. */
export interface Guest {
  /** The store is being closed; it waits until its guests have left, 5 seconds at most. */
  onClosing(): void;
}

/** The store of a config node, if there is such a node. */
export function storeOf(node: StoreNode | null): Store | undefined {
  return node?.store;
}

/** How long a client without users is kept: a deploy that replaces its last node must not cost the connection. */
const GRACE_MS = 1000;
/** How long a store that is closed leaves its client to nodes that are not closed yet. */
const PATIENCE_MS = 5000;

/**
 * The one pooled client of a store: opened when the first user registers, closed some time after the last one is released.
 * Emits `state` for every change of the connection.
 */
export class Store extends EventEmitter<{ state: [state: ConnectionState] }> {
  readonly users: Record<string, Node> = {};
  /** What the client was made with last. */
  options: StateStoreClientOptions = {};
  readonly #readOptions: () => StateStoreClientOptions;
  readonly #guests = new Set<Guest>();
  #client: StateStoreClient | undefined;
  #grace: NodeJS.Timeout | undefined;
  #onReleased: (() => void) | undefined;

  /** `options` throws `BAD_ARGUMENT` for wrong settings, when the first user registers. */
  constructor(options: () => StateStoreClientOptions) {
    super();
    this.setMaxListeners(0);
    this.#readOptions = options;
  }

  get #used(): boolean {
    return Object.keys(this.users).length > 0 || this.#guests.size > 0;
  }

  get state(): ConnectionState {
    return this.#client?.state ?? { kind: 'closed' };
  }

  /** Registers a node and returns the client it shares with the others. Throws `BAD_ARGUMENT` for wrong settings. */
  register(node: Node): StateStoreClient {
    this.users[node.id] = node;
    return this.#opened();
  }

  /** The same for somebody who is no node. */
  registerGuest(guest: Guest): StateStoreClient {
    this.#guests.add(guest);
    try {
      return this.#opened();
    } catch (error) {
      this.#guests.delete(guest);
      throw error;
    }
  }

  #opened(): StateStoreClient {
    clearTimeout(this.#grace);
    if (!this.#client) {
      this.options = this.#readOptions();
      this.#client = new StateStoreClient(this.options);
      this.#client.on('state', (state) => this.emit('state', state));
      this.#client.open();
    }
    return this.#client;
  }

  /** Releases a node; with the last one the client is closed, unless another registers within a second. */
  release(node: Node): void {
    delete this.users[node.id];
    this.#released();
  }

  releaseGuest(guest: Guest): void {
    if (this.#guests.delete(guest)) this.#released();
  }

  #released(): void {
    if (this.#used) return;
    clearTimeout(this.#grace);
    if (this.#onReleased) this.#onReleased();
    else if (this.#client) this.#grace = setTimeout(() => void this.close(), GRACE_MS);
  }

  /**
   * Closes the client when its users have released it, which give back what they hold, or after 5 seconds. Node-RED closes a store
   * together with them.
   */
  async close(): Promise<void> {
    clearTimeout(this.#grace);
    for (const guest of [...this.#guests]) guest.onClosing();
    if (this.#used) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, PATIENCE_MS);
        this.#onReleased = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#onReleased = undefined;
    }
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }
}
