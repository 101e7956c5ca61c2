/** What a check of one point of the protocol found. */
import { messageOf, StateStoreError } from '../../errors';
import { ReasonCode } from '../../reason-codes';

export type Result = 'supported' | 'refused' | 'differs' | 'failed' | 'not served' | 'not checked';

export interface Outcome {
  readonly result: Result;
  /** One sentence for a person. Blank if there is nothing to add. */
  readonly detail: string;
}

/** The store answered, but not as documented. */
export class Difference extends Error {}

/** A point that does not apply here. */
export class NotChecked extends Error {}

/** The outcome of a check that threw. */
export function outcomeOf(error: unknown): Outcome {
  const detail = messageOf(error);
  if (error instanceof Difference) return { result: 'differs', detail };
  if (error instanceof NotChecked) return { result: 'not checked', detail };
  if (!(error instanceof StateStoreError)) return { result: 'failed', detail };
  const { code, reasonCode } = error;
  if (code === 'NOT_SUPPORTED') return { result: 'not served', detail };
  if (code === 'NOT_AUTHORIZED' || reasonCode === ReasonCode.NOT_AUTHORIZED)
    return { result: 'refused', detail };
  return { result: 'failed', detail };
}

/** Throws a {@link Difference} unless the store did what the documentation promises. */
export function expect(condition: boolean, difference: string): asserts condition {
  if (!condition) throw new Difference(difference);
}

/** The code with which a call is refused. Throws a {@link Difference} if it succeeds. */
export async function refusalOf(call: Promise<object>, difference: string): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof StateStoreError) return error.code;
    throw error;
  }
  throw new Difference(difference);
}
