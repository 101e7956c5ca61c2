/** A TCP proxy that breaks what passes through it. Faults may be changed at any time and hold for all connections. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

type Direction = 'up' | 'down';

interface Pair {
  client: Socket;
  upstream: Socket;
  /** What a freeze or a delay holds back, in order. */
  held: { to: Socket; chunk: Buffer }[];
  bytes: number;
}

export class FaultProxy {
  /** Nothing passes, in neither direction, until it is false again. */
  frozen = false;
  /** Milliseconds by which every chunk is late. */
  delay = 0;
  /** What goes in this direction disappears. */
  drop: Direction | undefined;
  /** New connections are closed at once. */
  refusing = false;
  /** Connections are cut when this many bytes went up. */
  closeAfter = Number.POSITIVE_INFINITY;

  /** How many connections there were so far. */
  accepted = 0;

  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  readonly #server: Server;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  /** `target` tells the port of the broker for each new connection. */
  static async start(target: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection on both sides. */
  cut(): void {
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
  }

  /** Ends every connection at the broker; the client does not hear of it. */
  halfOpen(): void {
    for (const { upstream } of this.#pairs) upstream.destroy();
  }

  /** Lets through what was held back. */
  thaw(): void {
    this.frozen = false;
    for (const pair of this.#pairs) {
      for (const { to, chunk } of pair.held.splice(0)) to.write(chunk);
    }
  }

  /** No fault any more. */
  heal(): void {
    this.thaw();
    Object.assign(this, { delay: 0, drop: undefined, refusing: false, closeAfter: Number.POSITIVE_INFINITY });
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.refusing) {
      client.destroy();
      return;
    }
    this.accepted++;
    const upstream = connect({ port: this.#target(), host: '127.0.0.1', noDelay: true });
    const pair: Pair = { client, upstream, held: [], bytes: 0 };
    this.#pairs.add(pair);
    client.on('data', (chunk) => this.#pass(pair, 'up', chunk));
    upstream.on('data', (chunk) => this.#pass(pair, 'down', chunk));
    client
      .on('error', () => undefined)
      .on('close', () => {
        // What the client had sent and is held back goes with it.
        pair.held.length = 0;
        this.#pairs.delete(pair);
        upstream.destroy();
      });
    upstream.on('end', () => client.end()).on('error', () => client.destroy());
  }

  #pass(pair: Pair, direction: Direction, chunk: Buffer): void {
    const to = direction === 'up' ? pair.upstream : pair.client;
    if (this.drop === direction) return;
    if (direction === 'up') pair.bytes += chunk.length;
    if (pair.bytes > this.closeAfter) {
      pair.client.destroy();
      pair.upstream.destroy();
    } else if (this.frozen) {
      pair.held.push({ to, chunk });
    } else if (this.delay > 0) {
      setTimeout(() => !to.destroyed && to.write(chunk), this.delay);
    } else if (!to.destroyed) {
      to.write(chunk);
    }
  }
}
