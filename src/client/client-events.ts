import type { StateStoreError } from '../errors';
import type { ConnectionState } from '../mqtt/connection-state';

/** Events of {@link StateStoreClient}. */
export interface ClientEvents {
  /** The connection has another state. */
  state: [state: ConnectionState];
  /** A key cannot be observed any more, because the store or the broker refuses it. Its observations have ended. */
  observationLost: [key: Buffer, error: StateStoreError];
  /** A handler of an observation threw, or its promise rejected. The observation goes on. */
  observationError: [key: Buffer, error: unknown];
}
