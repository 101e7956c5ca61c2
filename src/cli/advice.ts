/** Which options of the command help with a failed connection. */
import { type ConnectionFailure, connectionFailure } from './connection-failure';

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

/** " (options: ...)", or nothing if no option helps, or if the variables of the environment decide. */
export function adviceFor(error: unknown, fromEnvironment: boolean): string {
  const failure = connectionFailure(error);
  const options = failure && OPTIONS[failure.reason];
  return fromEnvironment || options === undefined ? '' : ` (options: ${options})`;
}
