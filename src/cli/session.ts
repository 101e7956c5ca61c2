/** The connection of one command, and the time that is left for it. */
import type { StateStoreClientOptions } from '../client/options';
import { StateStoreClient } from '../client/state-store-client';
import { withNames } from '../option-rules';
import { connect } from './connect';
import { UsageError } from './usage-error';

export interface SessionOptions {
  readonly client: StateStoreClientOptions;
  /** Milliseconds. */
  readonly timeout: number;
  /** Whether the `AIO_*` variables decide where the store is. */
  readonly fromEnvironment: boolean;
}

/** Options of the command, by the options of the client with rules of their own. */
const OPTIONS: Readonly<Record<string, string>> = {
  host: '--host',
  clientId: '--client-id',
  username: '--username',
};

export class Session {
  readonly options: SessionOptions;
  #store: StateStoreClient | undefined;
  #deadline: number | undefined;

  constructor(options: SessionOptions) {
    this.options = options;
  }

  /** The client, which is not connected before {@link connect}. Throws a {@link UsageError} that names a wrong option. */
  get store(): StateStoreClient {
    this.#store ??= withNames(
      () => new StateStoreClient(this.options.client),
      ({ option, rule }) => new UsageError(`${OPTIONS[option] ?? option} ${rule}`),
    );
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
