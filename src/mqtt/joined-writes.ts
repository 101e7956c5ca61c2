import type { Socket } from 'node:net';

/** Bytes that are allocated at a time. What is larger than a quarter of it is not copied. */
const BLOCK_BYTES = 65_536;
const COPY_LIMIT = BLOCK_BYTES / 4;
/** Most bytes of UTF-8 for one unit of a string's length. */
const UTF8_MOST = 3;
/** Up to here a loop copies faster than a call. */
const SMALL = 8;
/** What is chained to it is called at the end of the callback. It costs less than `process.nextTick`. */
const SETTLED = Promise.resolve();

/** A socket that sends what is written in one turn of the event loop with one write. */
export type Joined<S extends Socket = Socket> = S & {
  /** Writes a chunk in this turn of the event loop. Does nothing after the end. */
  writeUnlessEnded(chunk: Uint8Array): void;
  /** Writes a chunk in a batch. Does nothing after the end. */
  writeInBatch(batch: Batch, chunk: Uint8Array): void;
};

/** Chunks that share a write. */
export interface Batch {
  /** So many go out at once, without waiting for more. */
  count: number;
  /**
   * What they wait for at most: the end of this callback of the event loop, or of its turn. The first chunk of a callback does not wait for the
   * end of it.
   */
  until: 'callback' | 'turn';
}

/**
 * Makes a socket send what is written in one turn of the event loop with one write, and returns it. MQTT libraries write a
 * PUBLISH as some forty chunks, each of which costs an allocation and a place in a system call (docs/dev/benchmarks.md).
 *
 * Chunks are copied one behind the other into a block of memory as they come. `cork` and `uncork`, which the libraries call
 * for every packet, would split the turn again: they do nothing any more.
 *
 * With `mostWaiting`, a writer never waits: if more bytes than that wait for a peer, its socket is destroyed.
 */
export function joinWrites<S extends Socket>(socket: S, mostWaiting?: number): Joined<S> {
  const write = socket.write.bind(socket);
  const cork = socket.cork.bind(socket);
  const uncork = socket.uncork.bind(socket);
  const end = socket.end.bind(socket);
  let block = Buffer.alloc(0);
  /** Bytes of the block that were handed on already. */
  let sent = 0;
  let filled = 0;
  let scheduled: NodeJS.Immediate | undefined;
  /** Whether a first chunk of this callback of the event loop went out, and what follows it goes out at the end. */
  let isFollowed = false;
  /** Chunks that were written by `writeInBatch` and wait. */
  let counted = 0;

  const send = () => {
    if (filled > sent) write(block.subarray(sent, filled));
    // The system usually accepts everything immediately. Then the block can be filled again, which is faster than a new block.
    if (socket.writableLength === 0) filled = 0;
    sent = filled;
    counted = 0;
  };
  const flush = () => {
    clearImmediate(scheduled);
    scheduled = undefined;
    if (!socket.destroyed) send();
  };
  const endCallback = () => {
    isFollowed = false;
    flush();
  };
  const join = (chunk: string | Uint8Array, encoding?: BufferEncoding) => {
    const most = typeof chunk === 'string' ? chunk.length * UTF8_MOST : chunk.length;
    if (most > COPY_LIMIT) {
      cork(); // one system call for both
      send();
      if (typeof chunk === 'string') write(chunk, encoding);
      else write(chunk);
      uncork();
      return;
    }
    if (filled + most > block.length) {
      send();
      block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
      sent = 0;
      filled = 0;
    }
    if (typeof chunk === 'string') {
      filled += block.write(chunk, filled, encoding);
    } else {
      if (most > SMALL) block.set(chunk, filled);
      else for (let i = 0; i < most; i++) block[filled + i] = chunk[i] as number;
      filled += most;
    }
    scheduled ??= setImmediate(flush);
  };

  return Object.assign(socket, {
    write(chunk: string | Uint8Array, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
      if (socket.writableEnded || typeof encoding === 'function' || callback) {
        flush();
        return Reflect.apply(write, socket, [chunk, encoding, callback]);
      }
      join(chunk, encoding);
      if (mostWaiting !== undefined) {
        if (socket.writableLength > mostWaiting) socket.destroy();
        return true;
      }
      // A chunk that only waits for the end of the turn is no reason for the writer to wait.
      return !socket.writableNeedDrain;
    },
    end(...parameters: Parameters<Socket['end']>): S {
      flush();
      return Reflect.apply(end, socket, parameters);
    },
    writeUnlessEnded(chunk: Uint8Array): void {
      if (!socket.writableEnded) join(chunk);
    },
    writeInBatch({ count, until }: Batch, chunk: Uint8Array): void {
      if (socket.writableEnded) return;
      join(chunk);
      const isFirst = until === 'callback' && !isFollowed;
      if (isFirst) {
        isFollowed = true;
        void SETTLED.then(endCallback);
      }
      if ((++counted >= count || isFirst) && filled > sent) flush();
    },
    cork: () => undefined,
    uncork: () => undefined,
  });
}

type Callback = (error?: Error | null) => void;
