/**
 * A context store on Redis that sends the commands of node-red-context-redis, which is not in the registry, with the client that it uses:
 * a set is a transaction with one MSET, a get is one MGET. Paths into values do not occur here.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface Transaction {
  mset(key: string, value: string): this;
  exec(callback: (error: Error | null) => void): void;
}

interface RedisClient {
  multi(): Transaction;
  mget(key: string, callback: (error: Error | null, values: (string | null)[]) => void): void;
  quit(callback: () => void): void;
  once(event: 'ready', listener: () => void): void;
}

const nodeRed = require('@node-red/util') as {
  util: { normalisePropertyExpression(key: string): unknown[] };
};

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
    const transaction = this.#client?.multi().mset(`${scope}:${rootOf(key)}`, JSON.stringify(value));
    transaction?.exec((error) => callback(error));
  }

  get(scope: string, key: string, callback: Callback): void {
    this.#client?.mget(`${scope}:${rootOf(key)}`, (error, [value]) =>
      callback(error, value ? JSON.parse(value) : undefined),
    );
  }
}

function rootOf(key: string): string {
  return nodeRed.util.normalisePropertyExpression(key)[0] as string;
}

export = ({ port }: { port: number }): RedisContext => new RedisContext(port);
