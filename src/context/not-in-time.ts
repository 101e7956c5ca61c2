import type { StateStoreClient } from '../client/state-store-client';
import { causeFirst, StateStoreError } from '../errors';

/**
 * The error of what did not happen because its time was over, with the reason where there is no connection. `consequence`: in words,
 * `global x was not written in time`.
 */
export function notInTime(consequence: string, { state }: StateStoreClient): StateStoreError {
  if (state.kind === 'connected')
    return new StateStoreError('TIMEOUT', causeFirst('The state store did not respond in time', consequence));
  const reason = 'reason' in state ? state.reason : undefined;
  const message = causeFirst(reason ?? 'Not connected', consequence);
  return new StateStoreError('NOT_CONNECTED', message, { cause: reason });
}
