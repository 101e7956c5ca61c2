import { type ErrorCode, StateStoreError } from '../errors';
import { ConnectionError } from '../mqtt/connection-error';
import { noConnection } from './request-errors';

/** What the store answers to this key or this client whenever it is asked, and what the call itself is wrong with. */
const FINAL = new Set<ErrorCode>([
  'NOT_AUTHORIZED',
  'SYNTAX_ERROR',
  'UNKNOWN_COMMAND',
  'WRONG_NUMBER_OF_ARGUMENTS',
  'KEY_LENGTH_ZERO',
  'BAD_ARGUMENT',
]);
/** The broker does not let this client publish to the store (MQTT 5 section 3.4.2.1). */
const NOT_AUTHORIZED = 0x87;

/**
 * A refusal to observe a key that trying again does not change. All else may pass: a store that just starts or is busy, a quota, a
 * clock that is being set.
 */
export function finalRefusal(error: unknown): StateStoreError | undefined {
  if (error instanceof ConnectionError)
    return error.reason === 'subscriptionRefused' ? noConnection(error) : undefined;
  if (!(error instanceof StateStoreError)) return undefined;
  const final =
    FINAL.has(error.code) ||
    (error.code === 'REFUSED' &&
      (error.reasonCode === NOT_AUTHORIZED || finalRefusal(error.cause) !== undefined));
  return final ? error : undefined;
}
