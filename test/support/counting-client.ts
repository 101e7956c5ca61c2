import { StateStoreClient } from '../../src/index';

/** A client that counts its requests. Each observation is two requests. */
export class CountingClient extends StateStoreClient {
  requests = 0;

  override set(...args: Parameters<StateStoreClient['set']>): ReturnType<StateStoreClient['set']> {
    this.requests++;
    return super.set(...args);
  }

  override get(...args: Parameters<StateStoreClient['get']>): ReturnType<StateStoreClient['get']> {
    this.requests++;
    return super.get(...args);
  }

  override deleteIfValue(
    ...args: Parameters<StateStoreClient['deleteIfValue']>
  ): ReturnType<StateStoreClient['deleteIfValue']> {
    this.requests++;
    return super.deleteIfValue(...args);
  }

  override observe(
    ...args: Parameters<StateStoreClient['observe']>
  ): ReturnType<StateStoreClient['observe']> {
    this.requests += 2;
    return super.observe(...args);
  }
}
