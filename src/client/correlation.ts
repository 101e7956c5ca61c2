import { randomFillSync } from 'node:crypto';

const BYTES = 16;
const POOLED = 256;

/** Makes correlation data: random (version 4) UUIDs as 16 bytes, drawn from the system a few thousand bytes at a time. */
export class CorrelationIds {
  #pool = Buffer.alloc(0);

  next(): Buffer {
    if (this.#pool.length === 0) this.#pool = randomFillSync(Buffer.allocUnsafeSlow(BYTES * POOLED));
    const id = this.#pool.subarray(0, BYTES);
    this.#pool = this.#pool.subarray(BYTES);
    id[6] = ((id[6] as number) & 0x0f) | 0x40;
    id[8] = ((id[8] as number) & 0x3f) | 0x80;
    return id;
  }
}

/** Correlation data as a map key: latin1 gives every byte its own character. */
export function correlationKey(id: Buffer): string {
  return id.toString('latin1');
}
