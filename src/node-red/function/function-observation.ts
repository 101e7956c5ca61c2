/** One key that a function node observes, until the node is closed: on the store that runs now, and on the one after a deploy. */
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises';
import type { KeyChange, Observation } from '../../client/observation';
import type { StateStoreClient } from '../../client/state-store-client';
import { StateStoreError } from '../../errors';
import { type Key, keyContext, keyName } from '../message/key';
import { valueFromBytes } from '../message/value';
import { onStoresChanged, runningNode } from '../store/deployed-stores';

/** Pause before a key is tried again that could not be observed for what may pass, in milliseconds. */
const RETRY_PAUSE_MS = 1000;
/** Turns of the event loop in which Node-RED creates a node whose code runs already. */
const MAX_TURNS = 1000;
/** Time in which a deploy starts the store again, in milliseconds. */
const DEPLOY_MS = 2000;

/** The node of a function, as far as it is used here. */
export interface FunctionNode {
  id: string;
  /** IDs of the flow, of the instances of subflows and of the node, with `/` between them. */
  path?: string;
  /** Absent in the tab *On Start*. */
  on?(event: 'close', listener: () => void): unknown;
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
  readonly #onLost = (key: Buffer, error: StateStoreError) => {
    if (key.equals(Buffer.from(this.#key))) this.#node.error(error);
  };
  #observation: Observation | undefined;
  /** The client that the key is observed on. */
  #on: StateStoreClient | undefined;
  #timer: NodeJS.Timeout | undefined;
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
    // A deploy can replace the store and keep the function node.
    this.#stopListening = onStoresChanged((event) => {
      if (event === 'started') void this.#restart();
      else this.#restartLater();
    });
  }

  /** Observes until the node is closed. Rejects as {@link start} does, and if the node does not run. */
  async open(): Promise<void> {
    (await withEvents(this.#node)).on('close', () => void this.close().catch(() => undefined));
    await this.start();
  }

  /**
   * Observes on the store that runs now. Rejects if there is none, or if the key may not be observed. If the store does not respond, the node
   * has the error, and observing begins when the store responds.
   */
  async start(): Promise<void> {
    const client = this.#client();
    clearTimeout(this.#timer);
    if (client === this.#on) return;
    void this.#leave().catch(() => undefined);
    this.#on = client;
    client.on('observationLost', this.#onLost);
    try {
      await this.#observe(client);
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (this.#isOn(client)) this.#node.error(error);
      void this.#tryAgain(client);
    }
  }

  async #observe(client: StateStoreClient): Promise<void> {
    const observation = await client.observe(this.#key, (change) => void this.#onChange(change), {
      current: true,
    });
    if (!this.#isOn(client)) await observation.close();
    else this.#observation = observation;
  }

  async #tryAgain(client: StateStoreClient): Promise<void> {
    for (;;) {
      await pause(RETRY_PAUSE_MS, undefined, { ref: false });
      if (!this.#isOn(client)) return;
      try {
        await this.#observe(client);
        return;
      } catch (error) {
        if (mayPass(error)) continue;
        if (this.#isOn(client)) this.#node.error(error);
        return;
      }
    }
  }

  /** Whether the key is to be observed on this client. */
  #isOn(client: StateStoreClient): boolean {
    return !this.#closed && this.#on === client;
  }

  async #restart(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      this.#client();
    } catch {
      // Another store started.
      this.#restartLater();
      return;
    }
    await this.#startOrReport();
  }

  /** The deploy may start the store of this key next. */
  #restartLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#startOrReport(), DEPLOY_MS).unref();
  }

  async #startOrReport(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      if (!this.#closed) this.#node.error(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopListening();
    await this.#leave();
  }

  /** Ends observing on the present client. */
  async #leave(): Promise<void> {
    const observation = this.#observation;
    this.#observation = undefined;
    this.#on?.off('observationLost', this.#onLost);
    await observation?.close();
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

/** The node that has the event `close`. The node of *On Start* has none. The node with its ID is found when Node-RED has created it. */
async function withEvents(
  node: FunctionNode,
): Promise<{ on(event: 'close', listener: () => void): unknown }> {
  const { on } = node;
  if (on) return { on: (event, listener) => on.call(node, event, listener) };
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    await turn();
    const running = runningNode(node.id);
    if (running) return running;
  }
  throw new StateStoreError(
    'BAD_ARGUMENT',
    `The function node ${node.id} does not run, so it cannot observe a key.`,
  );
}

function mayPass(error: unknown): boolean {
  return error instanceof StateStoreError && error.retryable;
}
