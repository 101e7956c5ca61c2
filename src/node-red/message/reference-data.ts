/** Reference data in messages: a list of objects in the flow, NDJSON in the store. */
import { type ErrorContext, StateStoreError } from '../../errors';
import type * as records from '../../reference-data/records';
import { ownBytes } from './key';

/** Loaded with the first reference data. */
const load = (): typeof records => require('../../reference-data/records');

/** A list of objects as NDJSON. Text and bytes are NDJSON already, and stay as they are. Throws `BAD_ARGUMENT` that names the line or element. */
export function recordsToBytes(value: unknown, contextOf: () => ErrorContext): Uint8Array {
  return inContext(contextOf, () => {
    const bytes = typeof value === 'string' ? Buffer.from(value) : ownBytes(value);
    if (!(bytes instanceof Uint8Array)) return load().formatRecords(value);
    load().parseRecords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return bytes;
  });
}

/** NDJSON as a list of objects. Throws `BAD_RESPONSE` that names the faulty line. */
export function recordsFromBytes(bytes: Buffer, contextOf: () => ErrorContext): records.DataRecord[] {
  try {
    return load().parseRecords(bytes);
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    const context = contextOf();
    throw new StateStoreError(
      'BAD_RESPONSE',
      `The value of key ${context.key} is not NDJSON. ${error.message}`,
      { ...context, cause: error },
    );
  }
}

/** Adds the operation and the key to the errors of `work`. */
export function inContext<T>(contextOf: () => ErrorContext, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    throw new StateStoreError(error.code, error.message, { ...contextOf(), cause: error });
  }
}
