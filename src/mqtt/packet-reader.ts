import { fixedHeaderEnd, type PacketHandler } from './packet-splitter';
import { readNumber } from './wire';

/** A packet that is not smaller than that has memory of its own. */
const BLOCK_BYTES = 2 ** 18;
/** Up to here memory is allocated by the length that a packet says it has. */
const TRUSTED_BYTES = 2 ** 22;

/**
 * The memory that a socket reads into, and the MQTT packets in it (MQTT 5 section 2.1.1). Small packets share a block that is filled again and again, since new
 * memory costs more than what is done with the bytes: they are only there while they are handled. A large packet has memory of its own, and may be kept.
 */
export class PacketReader {
  /** Called when more bytes are there, see {@link cut}. */
  onBytes: () => void = () => undefined;
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** Memory of a large packet of which a part is there, and how long the packet is. */
  #large: Buffer | undefined;
  #size = 0;
  /** Bytes of the large packet, or of the block, that are there. */
  #filled = 0;
  #received = 0;

  /** For the option `onread` of a socket. */
  readonly onread = {
    buffer: (): Buffer => this.#space,
    callback: (bytes: number): boolean => {
      this.#fill(bytes);
      return true;
    },
  };

  /** Takes bytes of a socket that does not read into this memory. */
  add(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const bytes = chunk.copy(this.#space, 0, at);
      at += bytes;
      this.#fill(bytes);
    }
  }

  /** All bytes so far. A socket counts them, too, but to ask it takes long. */
  get received(): number {
    return this.#received;
  }

  /** The first byte that is there. */
  get first(): number {
    return (this.#large ?? this.#block)[0] as number;
  }

  /** Handles the packets that are there. Throws a `PacketFault` for an invalid length. */
  cut(handle: PacketHandler): void {
    const large = this.#large;
    if (large) {
      if (this.#filled < large.length) return;
      if (this.#filled < this.#size) {
        this.#large = grown(large, Math.min(this.#size, 2 * large.length));
        return;
      }
      this.clear();
      handle(large, 0, fixedHeaderEnd(large, 0, large.length), large.length);
      return;
    }
    const block = this.#block;
    const filled = this.#filled;
    let start = 0;
    while (start < filled) {
      const body = fixedHeaderEnd(block, start, filled);
      const end = body + readNumber(block, start + 1, body);
      if (body === 0 || end > filled) {
        this.#keep(start, filled, end - start);
        return;
      }
      if (end - start < BLOCK_BYTES) handle(block, start, body, end);
      // It came at once, and is exactly as long as the block.
      else handle(grown(block, BLOCK_BYTES), start, body, end);
      start = end;
    }
    this.#filled = 0;
  }

  /** Forgets the buffered bytes. */
  clear(): void {
    this.#large = undefined;
    this.#filled = 0;
  }

  /** The beginning of a packet of so many bytes, or of an unknown number if that is negative, stays for the bytes that follow. */
  #keep(start: number, end: number, size: number): void {
    this.#filled = end - start;
    this.#size = size;
    if (size < BLOCK_BYTES) this.#block.copyWithin(0, start, end);
    else this.#large = grown(this.#block.subarray(start, end), Math.min(size, TRUSTED_BYTES));
  }

  /** Where the next bytes belong; never empty. */
  get #space(): Buffer {
    const memory = this.#large ?? this.#block;
    return this.#filled === 0 ? memory : memory.subarray(this.#filled);
  }

  #fill(bytes: number): void {
    this.#filled += bytes;
    this.#received += bytes;
    this.onBytes();
  }
}

function grown(data: Buffer, bytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(bytes);
  memory.set(data);
  return memory;
}
