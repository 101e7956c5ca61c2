/** The connection of one command, and the time that is left for it. */
import type { StateStoreClientOptions } from '../client/options';
import { StateStoreClient } from '../client/state-store-client';
import { connect } from './connect';

export interface SessionOptions {
  readonly client: StateStoreClientOptions;
  /** Milliseconds. */
  readonly timeout: number;
  /** Whether the `AIO_*` variables decide where the store is. */
  readonly fromEnvironment: boolean;
}

export class Session {
  readonly options: SessionOptions;
  #store: StateStoreClient | undefined;
  #deadline: number | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  /** The client, which is not connected before {@link connect}. Throws `BAD_ARGUMENT` that names a wrong option. */
  get store(): StateStoreClient {
    this.#store ??= new StateStoreClient(this.options.client);
    return this.#store;
  }

  /** Connects. The time of the command begins with this call, so that reading its input costs none of it. */
  async connect(signal?: AbortSignal): Promise<StateStoreClient> {
    const { timeout } = this.options;
    const { store } = this;
    this.#deadline = performance.now() + timeout;
    await connect(store, timeout, signal);
    return store;
  }

  /** Milliseconds that are left for the command, at least 1. */
  get left(): number {
    const { timeout } = this.options;
    return Math.max(1, Math.round((this.#deadline ?? performance.now() + timeout) - performance.now()));
  }

  async close(): Promise<void> {
    await this.#store?.close();
  }
}
