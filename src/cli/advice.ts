/** Which options of the command mend a failed connection. */
import type { StateStoreClient } from '../client/state-store-client';
import { StateStoreError } from '../errors';

/** Why there is no connection. */
export type ConnectionFailure = Extract<StateStoreClient['state'], { kind: 'disconnected' }>['reason'];

const LOGIN = '--token-file FILE, --username NAME --password-file FILE, or --cert FILE --key FILE';

const OPTIONS: Partial<Record<ConnectionFailure['reason'], string>> = {
  hostNotFound: '--host HOST',
  nothingListens: '--host HOST --port PORT; in a pod, --env',
  unreachable: '--host HOST --port PORT; in a pod, --env',
  closedBeforeAnswer: '--tls or --ca FILE, --port PORT',
  noAnswer: '--tls or --ca FILE, --port PORT',
  certificateUntrusted: '--ca FILE',
  certificateOfOther: '--servername NAME',
  clientCertificate: '--cert FILE --key FILE',
  certificateUnusable: '--ca FILE, --cert FILE --key FILE, --key-password-file FILE',
  badCredentials: LOGIN,
  notAuthorized: LOGIN,
  clientIdInvalid: '--client-id ID',
  takenOver: '--client-id ID, or none',
};

/** " (options: ...)", or nothing where no option helps, or where the variables of the environment decide. */
export function adviceFor(error: unknown, fromEnvironment: boolean): string {
  const failure = error instanceof StateStoreError && !isConnectionFailure(error) ? error.cause : error;
  if (fromEnvironment || !isConnectionFailure(failure)) return '';
  const options = OPTIONS[failure.reason];
  return options === undefined ? '' : ` (options: ${options})`;
}

function isConnectionFailure(error: unknown): error is ConnectionFailure {
  return error instanceof Error && error.name === 'ConnectionError';
}
