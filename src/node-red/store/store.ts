import { EventEmitter } from 'node:events';
import type { Node } from 'node-red';
import type { StateStoreClientOptions } from '../../client/options';
import { StateStoreClient } from '../../client/state-store-client';
import { setHolderName } from '../../coordination/holder-name';
import type { ConnectionError } from '../../mqtt/connection-error';
import type { ConnectionState } from '../../mqtt/connection-state';
import type { LocalEmulator } from '../emulator/local-emulator';
import type { StoreCredentials, StoreSettings } from './settings';
import { type Absence, StorePresence } from './store-presence';

/** The runtime node of a `statestore-config`. */
export interface StoreNode extends Node<StoreCredentials> {
  store: Store;
  /** With the values of environment variables that Node-RED has put in. */
  settings: StoreSettings;
  /** Of a node in a subflow: its ID in the flow file. */
  _alias?: string;
  /** Node-RED hands this node's status and errors on to the nodes in here; it must be a plain object. */
  users: Record<string, Node>;
}

/** A user of a store that is not a node, for example an open page. */
export interface Guest {
  /** True if the flows use the store through this guest. */
  readonly isInFlows?: boolean;
  /** The store is being closed; it waits until its guests have left, 5 seconds at most. */
  onClosing(): void;
}

/** The store of a config node, if there is such a node. */
export function storeOf(node: StoreNode | null): Store | undefined {
  return node?.store;
}

/**
 * The connection of a store for its users: `connected` only after a state store has answered. `port`: the emulator
 * has this port instead of the configured one. `isEmulator`: the store is set to *Emulator on this machine*.
 */
export type StoreConnection =
  | Exclude<ConnectionState, { kind: 'connected' | 'disconnected' }>
  | { kind: 'connected'; port?: number; isEmulator?: boolean }
  | { kind: 'disconnected'; reason: Pick<ConnectionError, 'reason' | 'message' | 'retry'> | Absence };

/** What a store is made of. */
export interface StoreParts {
  options: StateStoreClientOptions;
  /** What gives the options `locate`, where the store is an emulator on this machine. */
  emulator?: LocalEmulator;
  /** The name of this Node-RED for others that wait for its locks and roles. */
  instance: string;
  /** Called when the client is closed. */
  onClosed?(): void;
}

/** How long a client without users is kept: a deploy that replaces its last node must not cost the connection. */
const GRACE_MS = 1000;
/** How long a store that is closed leaves its client to nodes that are not closed yet. */
const PATIENCE_MS = 5000;

/**
 * The one pooled client of a store: opened when the first user registers, closed some time after the last one is released.
 * Emits `state` for every change of the connection.
 */
export class Store extends EventEmitter<{ state: [state: StoreConnection] }> {
  readonly users: Record<string, Node> = {};
  /** What the client was made with last. */
  options: StateStoreClientOptions = {};
  readonly #read: () => StoreParts;
  readonly #guests = new Set<Guest>();
  #client: StateStoreClient | undefined;
  #emulator: LocalEmulator | undefined;
  #onClosed: (() => void) | undefined;
  #presence: StorePresence | undefined;
  #fault: unknown;
  #grace: NodeJS.Timeout | undefined;
  #onReleased: (() => void) | undefined;

  /** `read` is called when the first user registers, and throws `BAD_ARGUMENT` for wrong settings. */
  constructor(read: () => StoreParts) {
    super();
    this.setMaxListeners(0);
    this.#read = read;
  }

  get #used(): boolean {
    return Object.keys(this.users).length > 0 || this.#guests.size > 0;
  }

  /** Why there is no client, although a node or a guest registered: the settings are wrong. */
  get fault(): unknown {
    return this.#client ? undefined : this.#fault;
  }

  /** Whether a node of the flows uses it, also a function node. */
  get isUsedByFlows(): boolean {
    return Object.keys(this.users).length > 0 || [...this.#guests].some(({ isInFlows }) => isInFlows);
  }

  get state(): StoreConnection {
    const state = this.#client?.state ?? { kind: 'closed' };
    if (state.kind !== 'connected') return state;
    const found = this.#presence?.found;
    if (!found) return { kind: 'connecting' };
    if (found !== 'there') return { kind: 'disconnected', reason: found };
    const port = this.movedTo;
    return {
      kind: 'connected',
      ...(port !== undefined && { port }),
      ...(this.#emulator && { isEmulator: true }),
    };
  }

  /** Finds out whether the store still answers, if that was not known for a while. What is found shows in {@link state}. */
  check(): void {
    this.#presence?.check();
  }

  /** The client of all users, while there is one. */
  get client(): StateStoreClient | undefined {
    return this.#client;
  }

  /** The port of the emulator, if the configured port was in use. */
  get movedTo(): number | undefined {
    return this.#emulator?.movedTo;
  }

  /** Registers a node and returns the client it shares with the others. Throws `BAD_ARGUMENT` for wrong settings. */
  register(node: Node): StateStoreClient {
    this.users[node.id] = node;
    return this.#opened();
  }

  /** The same for a user that is not a node. */
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
    try {
      return this.#client ?? this.#open();
    } catch (error) {
      this.#fault = error;
      throw error;
    }
  }

  #open(): StateStoreClient {
    const parts = this.#read();
    const { options, emulator, onClosed } = parts;
    const client = this.#made(parts);
    const emitState = () => this.emit('state', this.state);
    const presence = new StorePresence(client, () => this.#where, emitState);
    this.options = options;
    this.#emulator = emulator;
    this.#onClosed = onClosed;
    this.#client = client;
    this.#presence = presence;
    client.on('state', ({ kind }) => {
      if (kind === 'connected') presence.connected();
      else presence.lost();
      emitState();
    });
    client.open();
    return client;
  }

  /** Throws `BAD_ARGUMENT` for wrong settings. */
  #made({ options, emulator, instance, onClosed }: StoreParts): StateStoreClient {
    try {
      const client = new StateStoreClient({
        ...options,
        ...(emulator && { locate: () => emulator.locate() }),
      });
      setHolderName(client, instance);
      return client;
    } catch (error) {
      onClosed?.();
      throw error;
    }
  }

  get #where(): string {
    const { host = 'localhost', tls, port = tls ? 8883 : 1883 } = this.options;
    return `${host}:${this.movedTo ?? port}`;
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
   * Closes the client when its users have released it, together with their locks and roles, or after 5 seconds. Node-RED closes a store
   * together with them. The emulator drops the keys of a store that is `removed`.
   */
  async close(removed = false): Promise<void> {
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
    const emulator = this.#emulator;
    const onClosed = this.#onClosed;
    this.#client = undefined;
    this.#emulator = undefined;
    this.#onClosed = undefined;
    await client?.close();
    onClosed?.();
    await emulator?.release(removed);
  }
}
