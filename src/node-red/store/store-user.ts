/**
 * A node that uses a store: the client it shares with the other nodes of that store, or why there is none, its status, and the
 * order in which things end. What the node is for - requests, observing, something it holds - is its owner's.
 */
import type { Node, NodeAPI } from 'node-red';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Operation, StateStoreError } from '../../errors';
import { asError } from '../words/as-error';
import { localize } from '../words/localize';
import { missingStore } from './missing-store';
import { type Unusable, UserStatus } from './status';
import { type Store, type StoreConnection, type StoreNode, storeOf } from './store';

/** What the owner adds. */
export interface StoreUserParts {
  /** Named in the errors. */
  operation: Operation;
  /** Reports that the node cannot work, once, when it starts. Without it, the error is logged. */
  onFault?(error: StateStoreError): void;
  /** Called with the connection at the start, and with every change until the node is closed. */
  onState?(state: StoreConnection): void;
  /**
   * Ends the work of the node and releases its locks and roles. The client is released when the promise has settled, so it can still be used
   * until then. The status is shown until then. Node-RED gives a node 15 seconds to close, so limit longer work.
   */
  close(): Promise<void> | void;
}

export class StoreUser {
  /** The only one to set the status of the node. */
  readonly status: UserStatus;
  readonly #node: Node;
  readonly #parts: StoreUserParts;
  readonly #store: Store | undefined;
  readonly #RED: NodeAPI;
  readonly #storeId: string;
  #client: StateStoreClient | undefined;
  #fault: StateStoreError | undefined;
  #closing = false;

  /** True if all keys are to be persisted, even if the option in the node is not selected. */
  readonly persists: boolean;

  /** `storeId`: the `statestore-config` that was chosen, if any. */
  constructor(RED: NodeAPI, user: Node, storeId: string, parts: StoreUserParts) {
    this.status = new UserStatus(RED, user);
    this.#RED = RED;
    this.#storeId = storeId;
    this.#node = user;
    this.#parts = parts;
    const node = RED.nodes.getNode(storeId) as StoreNode | null;
    this.#store = storeOf(node);
    this.persists = node?.settings?.persistAll === true;
  }

  /**
   * Registers with the store. From now on the status is shown, and the parts are called. Returns the client, or nothing where
   * {@link client} says why.
   */
  start(): StateStoreClient | undefined {
    const onState = (state: StoreConnection) => {
      this.status.connection(state);
      this.#parts.onState?.(state);
    };
    this.#node.on('close', (_removed: boolean, done: () => void) => {
      this.#store?.off('state', onState);
      void this.#close().then(done, done);
    });
    const { operation } = this.#parts;
    if (!this.#store) {
      const { why, error } = missingStore(this.#RED, this.#storeId, operation);
      return this.#fail(why, error);
    }
    try {
      this.#client = this.#store.register(this.#node);
    } catch (error) {
      return this.#fail('badSettings', asError(error, operation));
    }
    this.#store.on('state', onState);
    onState(this.#store.state);
    return this.#client;
  }

  /** Why there is no client; the same error for every message. */
  get fault(): StateStoreError | undefined {
    return this.#fault;
  }

  #fail(why: Unusable, error: StateStoreError): undefined {
    this.#fault = error;
    this.status.unusable(why);
    if (this.#parts.onFault) this.#parts.onFault(error);
    else this.#node.error(localize(this.#RED, error));
  }

  /** Whether the client is connected. */
  get connected(): boolean {
    return this.#client?.state.kind === 'connected';
  }

  /**
   * The client, for something new. Throws `BAD_ARGUMENT` if the node has no store that runs or its settings are wrong, and `CLOSED`
   * once the node is being closed.
   */
  client(): StateStoreClient {
    if (this.#fault) throw this.#fault;
    const { operation } = this.#parts;
    if (this.#closing) {
      const message =
        'The node was closed by a deploy or the end of Node-RED. The message was not sent to the store.';
      throw new StateStoreError('CLOSED', message, { operation });
    }
    if (this.#client) return this.#client;
    throw new StateStoreError('CLOSED', 'This node has not started yet.', { operation });
  }

  async #close(): Promise<void> {
    this.#closing = true;
    try {
      await this.#parts.close();
    } finally {
      this.status.clear();
      this.#store?.release(this.#node);
    }
  }
}
