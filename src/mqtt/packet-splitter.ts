import { malformed, readNumber } from './wire';

/** Most bytes of a variable byte integer (MQTT 5 section 1.5.5). */
const LENGTH_BYTES = 4;

/** Called for every MQTT packet: `data` from `start` (its first byte) to `end`; what follows the fixed header begins at `body`. */
export type PacketHandler = (data: Buffer, start: number, body: number, end: number) => void;

/** A packet is larger than it may be. */
export class PacketTooLarge extends Error {}

/** Cuts a byte stream into MQTT packets (MQTT 5 section 2.1.1). Packets are views into what came, wherever they came in one piece. */
export class PacketSplitter {
  readonly #handle: PacketHandler;
  readonly #largest: number;
  /** The beginning of a packet. */
  #parts: Buffer[] = [];
  #bytes = 0;
  /** How many bytes must be there before it is worth while to look again. */
  #needed = 0;

  /** `largest`: most bytes of a packet; what is larger is not collected. */
  constructor(handle: PacketHandler, largest = Number.POSITIVE_INFINITY) {
    this.#handle = handle;
    this.#largest = largest;
  }

  /** Takes in what arrived. Throws a `PacketFault` for an invalid length and {@link PacketTooLarge} for one beyond the limit. */
  add(chunk: Buffer): void {
    if (this.#bytes === 0) {
      this.#cut(chunk);
      return;
    }
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return;
    const data = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.#cut(data);
  }

  #cut(data: Buffer): void {
    let start = 0;
    while (start < data.length) {
      const body = fixedHeaderEnd(data, start, data.length);
      const end = body + readNumber(data, start + 1, body);
      if (end - start > this.#largest) throw new PacketTooLarge();
      if (body === 0 || end > data.length) {
        this.#keep(data.subarray(start), body === 0 ? data.length - start + 1 : end - start);
        return;
      }
      this.#handle(data, start, body, end);
      start = end;
    }
  }

  #keep(rest: Buffer, needed: number): void {
    this.#parts = [rest];
    this.#bytes = rest.length;
    this.#needed = needed;
  }
}

/** Where the fixed header of the packet at `start` ends; 0 if it is not all there before `limit`. */
export function fixedHeaderEnd(data: Buffer, start: number, limit: number): number {
  for (let at = start + 1; at < limit; at++) {
    if ((data[at] as number) < 0x80) return at + 1;
    if (at - start >= LENGTH_BYTES) throw malformed();
  }
  return 0;
}
