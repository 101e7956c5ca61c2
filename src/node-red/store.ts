import { EventEmitter } from 'node:events';
import type { Node } from 'node-red';
import type { ConnectionState } from '../client/connection';
import type { StateStoreClientOptions } from '../client/options';
import { StateStoreClient } from '../client/state-store-client';

/** The runtime node of a `statestore-config`. */
export interface StoreNode extends Node {
  store: Store;
  /** Node-RED hands this node's status and errors on to the nodes in here; it must be a plain object. */
  users: Record<string, Node>;
}

/**
 * The one pooled client of a store: opened when the first node registers, closed when the last one is released.
 * Emits `state` for every change of the connection.
 */
export class Store extends EventEmitter<{ state: [state: ConnectionState] }> {
  readonly users: Record<string, Node> = {};
  readonly #options: StateStoreClientOptions;
  #client: StateStoreClient | undefined;

  constructor(options: StateStoreClientOptions) {
    super();
    this.setMaxListeners(0);
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#client?.state ?? { kind: 'closed' };
  }

  /** Registers a node and returns the client it shares with the others. Throws `BAD_ARGUMENT` for wrong settings. */
  register(node: Node): StateStoreClient {
    this.users[node.id] = node;
    if (!this.#client) {
      this.#client = new StateStoreClient(this.#options);
      this.#client.on('state', (state) => this.emit('state', state));
      this.#client.open();
    }
    return this.#client;
  }

  /** Releases a node; resolves when the client is closed, if this was the last one. */
  async release(node: Node): Promise<void> {
    delete this.users[node.id];
    if (Object.keys(this.users).length === 0) await this.close();
  }

  /** Closes the client whoever still uses it. */
  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
  }
}
