/** Random IDs and bytes. What makes them is loaded with the first client, not with the library. */
import type * as crypto from 'node:crypto';

const load = (): typeof crypto => require('node:crypto');

/** A random (version 4) UUID. */
export function randomId(): string {
  return load().randomUUID();
}

export function randomBytes(count: number): Buffer {
  return load().randomBytes(count);
}
