/**
 * A context store on Redis with nothing but what node-red-context-redis does for keys without a path: values as JSON, one command for
 * each call, on the client `redis` 2.8 that it uses. A path into a value costs it a script, and does not occur here.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface RedisClient {
  set(key: string, value: string, callback: (error: Error | null) => void): void;
  get(key: string, callback: (error: Error | null, value: string | null) => void): void;
  quit(callback: () => void): void;
  once(event: 'ready', listener: () => void): void;
}

type Callback = (error?: unknown, value?: unknown) => void;

const FOLDER = join(__dirname, '..', '..', '..', 'bench', 'redis-nodes');

class RedisContext {
  readonly #port: number;
  #client: RedisClient | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    const { createClient } = createRequire(join(FOLDER, 'package.json'))('redis') as {
      createClient(port: number, host: string): RedisClient;
    };
    const client = createClient(this.#port, '127.0.0.1');
    this.#client = client;
    await new Promise<void>((resolve) => client.once('ready', resolve));
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#client?.quit(resolve));
  }

  set(scope: string, key: string, value: unknown, callback: Callback): void {
    this.#client?.set(`${scope}:${key}`, JSON.stringify(value), (error) => callback(error));
  }

  get(scope: string, key: string, callback: Callback): void {
    this.#client?.get(`${scope}:${key}`, (error, value) =>
      callback(error, value === null ? undefined : JSON.parse(value)),
    );
  }
}

export = ({ port }: { port: number }): RedisContext => new RedisContext(port);
