/** Which options of the command, or with `--env` which variables, help with a failed connection. */
import { type ConnectionFailure, connectionFailure } from './connection-failure';

const LOGIN = {
  options: '--token-file FILE, --username NAME --password-file FILE, or --cert FILE --key FILE',
  variables: 'AIO_SAT_FILE, AIO_MQTT_USERNAME, AIO_MQTT_PASSWORD_FILE, AIO_TLS_CERT_FILE, AIO_TLS_KEY_FILE',
};
const ADDRESS = {
  options: '--host HOST --port PORT; in a pod, --env',
  variables: 'AIO_BROKER_HOSTNAME, AIO_BROKER_TCP_PORT',
};
const TLS = {
  options: '--tls or --ca FILE, --port PORT',
  variables: 'AIO_MQTT_USE_TLS, AIO_BROKER_TCP_PORT',
};
const CLIENT_ID = '--client-id ID';

interface Help {
  readonly options: string;
  /** Blank if no variable helps. */
  readonly variables: string;
}

const HELP: Partial<Record<ConnectionFailure['reason'], Help>> = {
  hostNotFound: { options: '--host HOST', variables: 'AIO_BROKER_HOSTNAME' },
  nothingListens: ADDRESS,
  unreachable: ADDRESS,
  closedBeforeAnswer: TLS,
  noAnswer: TLS,
  noTls: { options: '--port PORT, no --tls', variables: TLS.variables },
  certificateUntrusted: { options: '--ca FILE', variables: 'AIO_TLS_CA_FILE' },
  certificateOfOther: { options: '--servername NAME', variables: 'AIO_BROKER_HOSTNAME' },
  clientCertificate: {
    options: '--cert FILE --key FILE',
    variables: 'AIO_TLS_CERT_FILE, AIO_TLS_KEY_FILE',
  },
  certificateUnusable: {
    options: '--ca FILE, --cert FILE --key FILE, --key-password-file FILE',
    variables: 'AIO_TLS_CA_FILE, AIO_TLS_CERT_FILE, AIO_TLS_KEY_FILE, AIO_TLS_KEY_PASSWORD_FILE',
  },
  badCredentials: LOGIN,
  notAuthorized: LOGIN,
  // The command does not take the client ID of the environment.
  clientIdInvalid: { options: CLIENT_ID, variables: '' },
  takenOver: { options: `${CLIENT_ID}, or none`, variables: '' },
};

/** " (options: ...)" or " (variables: ...)"; blank if nothing of them helps. */
export function adviceFor(error: unknown, fromEnvironment: boolean): string {
  const failure = connectionFailure(error);
  const help = failure && HELP[failure.reason];
  if (!help) return '';
  return fromEnvironment && help.variables !== ''
    ? ` (variables: ${help.variables})`
    : ` (options: ${help.options})`;
}
