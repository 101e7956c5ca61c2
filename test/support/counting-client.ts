import {
  type Bytes,
  type ChangeHandler,
  type Observation,
  type ObserveOptions,
  StateStoreClient,
} from '../../src/index';

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

  override observe(key: Bytes, options?: ObserveOptions): Promise<Observation>;
  override observe(key: Bytes, handler: ChangeHandler, options?: ObserveOptions): Promise<Observation>;
  override observe(
    key: Bytes,
    handler?: ChangeHandler | ObserveOptions,
    options?: ObserveOptions,
  ): Promise<Observation> {
    this.requests += 2;
    return typeof handler === 'function' ? super.observe(key, handler, options) : super.observe(key, handler);
  }
}
