/** A packet that is smaller than that gets new memory, which costs little. */
const LARGE_BYTES = 2 ** 14;
/** Sizes are rounded up to a multiple of that, so that memory fits packets of about the same size. */
const STEP_BYTES = 2 ** 14;
/** Most bytes that are kept for packets to come. */
const MAX_FREE_BYTES = 2 ** 25;
const IDLE_MS = 1000;

/**
 * Memory of large packets that is used again once a packet has arrived. New memory costs more than to fill it: each page of it is a fault, and memory outside
 * of the heap makes the garbage collector run.
 */
export class PacketMemory {
  /** By their sizes. */
  readonly #free = new Map<number, ArrayBufferLike[]>();
  #freeBytes = 0;
  /** The least of {@link #freeBytes} since the timer was called. */
  #unneededBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #idleMs: number;

  /** What was not needed for `idleMs` milliseconds is given up. */
  constructor(idleMs = IDLE_MS) {
    this.#idleMs = idleMs;
  }

  /** Bytes that are kept for packets to come. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Memory for a packet of so many bytes. It is not cleared. */
  take(bytes: number): Buffer {
    if (bytes < LARGE_BYTES) return Buffer.allocUnsafe(bytes);
    const size = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    const memory = this.#free.get(size)?.pop();
    if (!memory) return Buffer.allocUnsafeSlow(size).subarray(0, bytes);
    this.#freeBytes -= size;
    this.#unneededBytes = Math.min(this.#unneededBytes, this.#freeBytes);
    return Buffer.from(memory, 0, bytes);
  }

  /** Takes back memory that {@link take} returned. It must not be read any more. */
  giveBack({ length, buffer }: Buffer): void {
    const size = buffer.byteLength;
    if (length < LARGE_BYTES || this.#freeBytes + size > MAX_FREE_BYTES) return;
    const free = this.#free.get(size);
    if (free) free.push(buffer);
    else this.#free.set(size, [buffer]);
    this.#freeBytes += size;
    this.#timer ??= setInterval(() => this.#giveUp(), this.#idleMs).unref();
  }

  #giveUp(): void {
    for (const [size, free] of this.#free) {
      while (free.length > 0 && this.#unneededBytes >= size) {
        free.pop();
        this.#freeBytes -= size;
        this.#unneededBytes -= size;
      }
      if (free.length === 0) this.#free.delete(size);
    }
    this.#unneededBytes = this.#freeBytes;
    if (this.#freeBytes > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
