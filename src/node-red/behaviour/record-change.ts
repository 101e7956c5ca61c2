/** Changes of one record of reference data (NDJSON): all other lines keep their bytes and their order. */
import { StateStoreError } from '../../errors';
import { putRecord, removeRecord } from '../../reference-data/edit';
import { inContext } from '../message/reference-data';
import { type ChangeOptions, isObject, snapshot } from './change';

export type RecordChange = 'putRecord' | 'removeRecord';

export interface RecordChangeOptions extends Pick<ChangeOptions, 'given' | 'context'> {
  kind: RecordChange;
  /** The property that identifies a record. */
  identity: string;
}

export function isRecordChange(kind: string): kind is RecordChange {
  return kind === 'putRecord' || kind === 'removeRecord';
}

/**
 * The change for the library's `update`. A missing key has no records. Throws `BAD_ARGUMENT` if no property identifies a record; the change
 * throws it if the given record or a line does not fit.
 */
export function recordChangeOf(
  options: RecordChangeOptions,
): (bytes: Buffer | undefined) => Buffer | undefined {
  const { kind, identity, context } = options;
  if (identity.trim() === '') {
    throw new StateStoreError(
      'BAD_ARGUMENT',
      {
        problem: `No property identifies a record of key ${context.key}: nothing was changed`,
        advice: 'Enter a property in the node, like deviceId.',
      },
      context,
    );
  }
  const given = snapshot(options);
  const change = (bytes: Buffer | undefined) => {
    if (kind === 'putRecord') return putRecord(bytes ?? Buffer.alloc(0), identity, given);
    // Undefined for a missing key: there is nothing to change.
    return bytes && removeRecord(bytes, identity, isObject(given) ? Reflect.get(given, identity) : given);
  };
  return (bytes) =>
    inContext(
      () => context,
      () => change(bytes),
    );
}
