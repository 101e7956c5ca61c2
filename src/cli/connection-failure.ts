import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';

/** Why there is no connection. */
export type ConnectionFailure = Extract<StateStoreClient['state'], { kind: 'disconnected' }>['reason'];

/** The failed connection behind an error, if that is what it reports. */
export function connectionFailure(error: unknown): ConnectionFailure | undefined {
  if (isConnectionFailure(error)) return error;
  return error instanceof StateStoreError && isConnectionFailure(error.cause) ? error.cause : undefined;
}

function isConnectionFailure(error: unknown): error is ConnectionFailure {
  return error instanceof Error && error.name === 'ConnectionError';
}
