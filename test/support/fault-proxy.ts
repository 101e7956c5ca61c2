/** A TCP proxy that breaks what passes through it. Faults may be changed at any time and hold for all connections. */
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'up' | 'down';

interface FaultProxyEvents {
  open: [connection: number];
  /** The client sent this; whether it goes on is another question. */
  sent: [connection: number, chunk: Buffer];
  /** The client is given this. */
  delivered: [connection: number, chunk: Buffer];
  close: [connection: number];
}

/** One direction of one connection: what waits goes out in its order, or never. */
class Way {
  readonly #to: Socket;
  readonly #proxy: FaultProxy;
  readonly #direction: Direction;
  readonly #onWrite: (chunk: Buffer) => void;
  #waiting: { chunk: Buffer; due: number }[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** A stream that lost bytes is never whole again: nothing more passes. */
  #broken = false;
  #ending = false;

  constructor(proxy: FaultProxy, direction: Direction, to: Socket, onWrite: (chunk: Buffer) => void) {
    this.#proxy = proxy;
    this.#direction = direction;
    this.#to = to;
    this.#onWrite = onWrite;
  }

  add(chunk: Buffer): void {
    if (this.#proxy.drop === this.#direction) this.#broken = true;
    if (this.#broken) return;
    this.#waiting.push({ chunk, due: performance.now() + this.#proxy.delay });
    this.flow();
  }

  /** Ends the stream after what waits. */
  end(): void {
    this.#ending = true;
    this.flow();
  }

  /** Nothing that waits goes on. */
  discard(): void {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#broken = true;
  }

  /** Sends the data that may be sent now. */
  flow(): void {
    clearTimeout(this.#timer);
    const { frozen, trickle } = this.#proxy;
    if (frozen === true || frozen === this.#direction || this.#broken) return;
    for (let head = this.#waiting[0]; head; head = this.#waiting[0]) {
      const wait = head.due - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.flow(), Math.ceil(wait));
        return;
      }
      if (trickle > 0) {
        this.#write(head.chunk.subarray(0, trickle));
        head.chunk = head.chunk.subarray(trickle);
        if (head.chunk.length === 0) this.#waiting.shift();
        this.#timer = setTimeout(() => this.flow(), TRICKLE_PAUSE_MS);
        return;
      }
      this.#waiting.shift();
      this.#write(head.chunk);
    }
    if (this.#ending) this.#to.end();
  }

  #write(chunk: Buffer): void {
    if (this.#to.destroyed) return;
    this.#onWrite(chunk);
    this.#to.write(chunk);
  }
}

interface Pair {
  number: number;
  client: Socket;
  upstream: Socket;
  up: Way;
  down: Way;
  bytes: number;
  /** Whether what was sent last outlives the connection of the client. */
  lingering: boolean;
}

/** Pause between the drops of a trickle, in milliseconds. */
const TRICKLE_PAUSE_MS = 2;

export class FaultProxy extends EventEmitter<FaultProxyEvents> {
  /** Nothing passes, in neither direction (`true`) or in one, until {@link thaw}. */
  frozen: boolean | Direction = false;
  /** Milliseconds by which every chunk is late. */
  delay = 0;
  /** Most bytes that pass at a time, a few hundred times a second; 0 is no limit. */
  trickle = 0;
  /**
   * Data in this direction disappears. A connection that lost data stays half-open, also after {@link heal}, until one side
   * closes it.
   */
  drop: Direction | undefined;
  /** New connections are closed at once. */
  refusing = false;
  /** New connections are taken and get no answer. */
  blackout = false;
  /** What the client sends reaches the broker even when the client closes the connection meanwhile, as in a slow network. */
  lingering = false;
  /** Connections are cut when this many bytes went up. */
  closeAfter = Number.POSITIVE_INFINITY;
  /** Changes what passes; for faults that are planted to see them found. */
  mangle: ((direction: Direction, chunk: Buffer, connection: number) => Buffer) | undefined;

  /** How many connections there were so far. */
  accepted = 0;

  readonly #target: () => number;
  readonly #pairs = new Set<Pair>();
  /** Connections of a blackout. */
  readonly #ignored = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: () => number) {
    super();
    this.#target = target;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** `target` returns the port of the broker for each new connection. */
  static async start(target: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends every connection on both sides; what is under way is lost. */
  cut(): void {
    for (const pair of this.#pairs) {
      pair.up.discard();
      pair.client.destroy();
      pair.upstream.destroy();
    }
    for (const client of this.#ignored) client.destroy();
  }

  /** The same with RST in place of FIN. */
  reset(): void {
    for (const pair of this.#pairs) {
      pair.up.discard();
      pair.client.resetAndDestroy();
      pair.upstream.resetAndDestroy();
    }
    for (const client of this.#ignored) client.resetAndDestroy();
  }

  /** Ends every connection at the broker. The client gets no notice. */
  halfOpen(): void {
    for (const pair of this.#pairs) {
      pair.down.discard();
      pair.upstream.destroy();
    }
  }

  /** Lets through what was held back. */
  thaw(): void {
    this.frozen = false;
    this.#flow();
  }

  /** No fault any more. */
  heal(): void {
    Object.assign(this, {
      ...{ delay: 0, trickle: 0, drop: undefined, refusing: false, blackout: false, lingering: false },
      closeAfter: Number.POSITIVE_INFINITY,
    });
    for (const client of this.#ignored) client.destroy();
    this.thaw();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  #flow(): void {
    for (const { up, down } of this.#pairs) {
      up.flow();
      down.flow();
    }
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.refusing) {
      client.destroy();
      return;
    }
    if (this.blackout) {
      this.#ignored.add(client);
      client
        .resume()
        .on('end', () => client.destroy())
        .on('close', () => this.#ignored.delete(client));
      return;
    }
    const number = ++this.accepted;
    const upstream = connect({
      ...{ port: this.#target(), host: '127.0.0.1', noDelay: true, allowHalfOpen: true },
    });
    const pair: Pair = {
      ...{ number, client, upstream, bytes: 0, lingering: false },
      up: new Way(this, 'up', upstream, () => undefined),
      down: new Way(this, 'down', client, (chunk) => this.emit('delivered', number, chunk)),
    };
    this.#pairs.add(pair);
    this.emit('open', number);
    const forget = () => client.destroyed && upstream.destroyed && this.#pairs.delete(pair);
    client.on('data', (chunk) => {
      this.emit('sent', number, chunk);
      this.#pass(pair, 'up', chunk);
    });
    upstream.on('data', (chunk) => this.#pass(pair, 'down', chunk));
    client
      .on('end', () => client.destroy())
      .on('close', () => {
        this.emit('close', number);
        if (pair.lingering) pair.up.end();
        // What the client had sent and is held back goes with it.
        else upstream.destroy();
        forget();
      });
    upstream
      .on('end', () => pair.down.end())
      .on('error', () => client.destroy())
      .on('close', () => {
        pair.up.discard();
        forget();
      });
  }

  #pass(pair: Pair, direction: Direction, data: Buffer): void {
    const chunk = this.mangle ? this.mangle(direction, data, pair.number) : data;
    if (direction === 'up') {
      pair.bytes += chunk.length;
      pair.lingering = this.lingering;
    }
    if (pair.bytes > this.closeAfter) {
      pair.client.destroy();
      pair.upstream.destroy();
    } else {
      pair[direction].add(chunk);
    }
  }
}
