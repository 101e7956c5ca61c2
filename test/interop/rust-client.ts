/** Microsoft's Rust client of the state store, in a separate process that runs requests: src/main.rs. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EventEmitter, on, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Bytes } from '../../src/index';

/** `kind` is the crate's name of the error, such as `FencingTokenLowerVersion`. */
export class RustError extends Error {
  readonly kind: string;

  constructor(kind: string, message: string) {
    super(`${kind}: ${message}`);
    this.kind = kind;
  }
}

export interface RustSetOptions {
  condition?: 'NX' | 'NEX';
  /** Milliseconds. */
  expiry?: number;
  fencingToken?: string | undefined;
}

export interface RustChange {
  operation: 'set' | 'delete';
  key: Buffer;
  value: Buffer | null;
  version: string;
}

/** What a lease or a lock is taken with: `holder` is the value of the lock's key. */
export interface RustHold {
  lock: Bytes;
  holder: Bytes;
}

/** Milliseconds; without `renewal` the lease is not renewed. */
export interface RustLease extends RustHold {
  lease: number;
  renewal?: number;
}

export interface RustLoad {
  operation: 'SET' | 'GET';
  /** Bytes of the value. */
  size: number;
  inFlight: number;
  ms: number;
}

export interface RustLoadResult {
  operations: number;
  perSecond: number;
  /** Microseconds of CPU time (user and system) per operation. */
  cpu: number;
  /** Latencies in milliseconds. */
  p50: number;
  p99: number;
}

interface Answer {
  result?: Record<string, unknown>;
  error?: { kind: string; message: string };
}

/** What the program prints; bytes are base64. */
type Line =
  | (Answer & { event?: undefined; id: number })
  | { event: 'connected' }
  | {
      event: 'change';
      operation: RustChange['operation'];
      key: string;
      value: string | null;
      version: string;
    }
  | { event: 'unobserved'; key: string };

interface Events {
  connected: [];
  /** A change of an observed key. */
  change: [change: RustChange];
  /** The client stopped reporting changes of a key. */
  unobserved: [key: Buffer];
  answer: [id: number, answer: Answer];
}

export class RustClient extends EventEmitter<Events> {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<void>;
  #lastId = 0;
  #log = '';

  private constructor(program: string, port: number, clientId: string) {
    super();
    this.setMaxListeners(0);
    this.#process = spawn(program, ['127.0.0.1', String(port), clientId]);
    this.#process.stderr.on('data', (chunk) => {
      this.#log += chunk;
    });
    this.#exited = once(this.#process, 'exit').then(([code, signal]) => {
      if (code !== 0) throw new Error(`the Rust client ended with ${code ?? signal}: ${this.#log}`);
    });
    // Every waiting caller gets the error.
    this.#exited.catch(() => undefined);
    createInterface(this.#process.stdout).on('line', (line) => this.#take(JSON.parse(line) as Line));
  }

  /** Resolves when it is connected. */
  static async start(program: string, port: number, clientId: string): Promise<RustClient> {
    const client = new RustClient(program, port, clientId);
    await client.#unlessEnded(once(client, 'connected'));
    return client;
  }

  async set(key: Bytes, value: Bytes, options: RustSetOptions = {}) {
    const { stored, version } = await this.#tell('set', { key, value }, options);
    return { stored, version } as { stored: boolean; version: string | null };
  }

  /** `value` is null where there is no such key. */
  async get(key: Bytes): Promise<{ value: Buffer | null; version: string | null }> {
    const { value, version } = await this.#tell('get', { key });
    return { value: bytes(value), version: version as string | null };
  }

  /** Number of deleted keys. */
  async delete(key: Bytes, options: { fencingToken?: string | undefined } = {}): Promise<number> {
    return (await this.#tell('delete', { key }, options)).deleted as number;
  }

  /** 1 when it was deleted, 0 when there is no such key, -1 when it holds another value. */
  async deleteIfValue(key: Bytes, value: Bytes): Promise<number> {
    return (await this.#tell('deleteIfValue', { key, value })).deleted as number;
  }

  /** From now on changes of the key are `change` events. */
  async observe(key: Bytes): Promise<void> {
    await this.#tell('observe', { key });
  }

  /** Whether the store was observing it. */
  async unobserve(key: Bytes): Promise<boolean> {
    return (await this.#tell('unobserve', { key })).observed as boolean;
  }

  /** Tries once; rejects with `LeaseAlreadyHeld`. Resolves with the fencing token. */
  async acquireLease({ lock, holder, ...times }: RustLease): Promise<string> {
    return (await this.#tell('lease.acquire', { lock, holder }, times)).token as string;
  }

  async releaseLease({ lock, holder }: RustHold): Promise<void> {
    await this.#tell('lease.release', { lock, holder });
  }

  /** The fencing token of the latest renewal. */
  async leaseToken({ lock, holder }: RustHold): Promise<string | null> {
    return (await this.#tell('lease.token', { lock, holder })).token as string | null;
  }

  /** The holder of the lock, for any caller. */
  async leaseHolder({ lock, holder }: RustHold): Promise<Buffer | null> {
    return bytes((await this.#tell('lease.holder', { lock, holder })).holder);
  }

  /** Waits until it is free. Resolves with the fencing token. */
  async acquireLock({ lock, holder, ...times }: RustLease): Promise<string> {
    return (await this.#tell('lock.acquire', { lock, holder }, times)).token as string;
  }

  async releaseLock({ lock, holder }: RustHold): Promise<void> {
    await this.#tell('lock.release', { lock, holder });
  }

  /** The fencing token of the latest renewal. */
  async lockToken({ lock, holder }: RustHold): Promise<string | null> {
    return (await this.#tell('lock.token', { lock, holder })).token as string | null;
  }

  /** The next `count` changes from now on. Call it before what changes the key. */
  async changes(count: number): Promise<RustChange[]> {
    const changes: RustChange[] = [];
    const iterator = on(this, 'change');
    return this.#unlessEnded(
      (async () => {
        for await (const [change] of iterator) {
          changes.push(change as RustChange);
          if (changes.length === count) break;
        }
        return changes;
      })(),
    );
  }

  /** Keeps so many requests in flight for so many milliseconds, and returns the same figures as bench/measure.ts. */
  async load(load: RustLoad): Promise<RustLoadResult> {
    const { operation, size, inFlight, ms } = load;
    const result = await this.#tell('load', {}, { operation, size, inFlight, ms });
    const { wrong, ...figures } = result as unknown as RustLoadResult & { wrong: number };
    if (wrong > 0) throw new Error(`${wrong} of ${figures.operations} answers to ${operation} were wrong`);
    return figures;
  }

  /** Ends the connection and the process. */
  async stop(): Promise<void> {
    this.#process.stdin.end();
    await this.#exited;
  }

  /** Ends the process without a DISCONNECT. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited.catch(() => undefined);
  }

  async #tell(
    command: string,
    data: Record<string, Bytes>,
    options: object = {},
  ): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const encoded = Object.entries(data).map(([name, value]) => [name, base64(value)]);
    const answered = new Promise<Answer>((resolve) => {
      const take = (to: number, answer: Answer) => {
        if (to !== id) return;
        this.off('answer', take);
        resolve(answer);
      };
      this.on('answer', take);
    });
    this.#process.stdin.write(
      `${JSON.stringify({ ...options, ...Object.fromEntries(encoded), id, do: command })}\n`,
    );
    const { result, error } = await this.#unlessEnded(answered);
    if (error) throw new RustError(error.kind, error.message);
    return result ?? {};
  }

  #take(line: Line): void {
    switch (line.event) {
      case undefined:
        this.emit('answer', line.id, line);
        break;
      case 'connected':
        this.emit('connected');
        break;
      case 'change': {
        const { operation, key, value, version } = line;
        this.emit('change', { operation, key: Buffer.from(key, 'base64'), value: bytes(value), version });
        break;
      }
      case 'unobserved':
        this.emit('unobserved', Buffer.from(line.key, 'base64'));
    }
  }

  #unlessEnded<T>(promise: Promise<T>): Promise<T> {
    const ended = this.#exited.then(() => {
      throw new Error(`the Rust client has ended: ${this.#log}`);
    });
    return Promise.race([promise, ended]);
  }
}

const base64 = (value: Bytes): string => Buffer.from(value as string).toString('base64');
const bytes = (value: unknown): Buffer | null =>
  typeof value === 'string' ? Buffer.from(value, 'base64') : null;
