/** One key that a function node observes, until the node is closed: on the store that runs now, and on the one after a deploy. */
import type { KeyChange, Observation } from '../../client/observation';
import type { StateStoreClient } from '../../client/state-store-client';
import { type Key, keyContext, keyName } from '../message/key';
import { valueFromBytes } from '../message/value';
import { onStoreStarted } from '../store/deployed-stores';

/** The node of a function, as far as it is used here. */
export interface FunctionNode {
  on(event: 'close', listener: () => void): unknown;
  error(error: unknown): void;
}

/** A change as the *observe* node reports it. */
export interface ObservedChange {
  operation: 'set' | 'delete';
  key: string;
  /** `undefined` if the key was deleted or expired. */
  value: unknown;
  version?: string;
}

export class FunctionObservation {
  readonly #key: Key;
  readonly #handler: (change: ObservedChange) => unknown;
  readonly #node: FunctionNode;
  readonly #client: () => StateStoreClient;
  readonly #stopListening: () => void;
  #observation: Observation | undefined;
  /** The client that the key is observed on. */
  #on: StateStoreClient | undefined;
  #closed = false;

  constructor(
    key: Key,
    handler: (change: ObservedChange) => unknown,
    node: FunctionNode,
    client: () => StateStoreClient,
  ) {
    this.#key = key;
    this.#handler = handler;
    this.#node = node;
    this.#client = client;
    node.on('close', () => void this.close().catch(() => undefined));
    // A deploy can replace the store and keep the function node.
    this.#stopListening = onStoreStarted(() => {
      void this.#restart();
    });
  }

  async start(): Promise<void> {
    const client = this.#client();
    if (client === this.#on) return;
    this.#on = client;
    const observation = await client.observe(this.#key, (change) => void this.#onChange(change), {
      current: true,
    });
    if (this.#closed) await observation.close();
    else this.#observation = observation;
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      if (!this.#closed) this.#node.error(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    await this.#observation?.close();
  }

  async #onChange(change: KeyChange): Promise<void> {
    if (this.#closed) return;
    const { operation, version } = change;
    try {
      await this.#handler({
        ...{ operation, key: keyName(change.key) },
        value:
          change.operation === 'set'
            ? valueFromBytes(change.value, 'auto-detect', () => keyContext('observe', this.#key))
            : undefined,
        ...(version !== undefined && { version }),
      });
    } catch (error) {
      this.#node.error(error);
    }
  }
}
