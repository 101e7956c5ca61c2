/** Values that are larger than one packet, as several parts. */
import { createHash } from 'node:crypto';
import { StateStoreError } from '../errors';

/** Bytes of one part. Far below the largest packet of any broker, so that a large deploy does not delay other requests. */
const MAX_PART_BYTES = 256 * 1024;

export function split(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += MAX_PART_BYTES)
    parts.push(bytes.subarray(from, from + MAX_PART_BYTES));
  return parts.length > 0 ? parts : [bytes];
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The value of these parts. Throws `BAD_RESPONSE` that names `name` if a part is missing or the checksum is another one. */
export function join(
  parts: readonly (Buffer | undefined)[],
  expected: { bytes: number; sha256: string },
  name: string,
): Buffer {
  const missing = parts.indexOf(undefined);
  if (missing >= 0) throw damaged(name, `part ${missing + 1} of ${parts.length} is missing`);
  const bytes = Buffer.concat(parts.filter((part) => part !== undefined));
  if (bytes.length !== expected.bytes)
    throw damaged(name, `it has ${bytes.length} bytes instead of ${expected.bytes}`);
  if (sha256(bytes) !== expected.sha256) throw damaged(name, 'its checksum does not match');
  return bytes;
}

function damaged(name: string, why: string): StateStoreError {
  return new StateStoreError(
    'BAD_RESPONSE',
    { problem: `${name} is damaged: ${why}`, advice: 'It is not loaded.' },
    { retryable: false },
  );
}
