/** The setting `statestore` of settings.js: where the probes are served, and the token that may read metrics there. */
import { printableValue } from '../../errors';

/** `admin`: below Node-RED's `httpAdminRoot`. `node`: below its `httpNodeRoot`. Otherwise an address of their own. */
type ProbePlace = 'admin' | 'node' | { host: string; port: number };

const DEFAULT_HOST = '127.0.0.1';
/** A token that is shorter could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** A request with this bearer token may read the metrics at the place of the probes. Throws an error that names the setting. */
export function readMetricsToken(settings: unknown): string | undefined {
  const { metricsToken } = (settings ?? {}) as { metricsToken?: unknown };
  if (metricsToken === undefined) return undefined;
  if (typeof metricsToken === 'string' && metricsToken.length >= MIN_TOKEN_LENGTH) return metricsToken;
  throw new Error(
    `The setting statestore.metricsToken must be text of at least ${MIN_TOKEN_LENGTH} characters.`,
  );
}

/** Throws an error that names the setting. */
export function readProbePlace(settings: unknown): ProbePlace {
  const { probes = 'admin' } = (settings ?? {}) as { probes?: unknown };
  if (probes === 'admin' || probes === 'node') return probes;
  const { host = DEFAULT_HOST, port } = (probes ?? {}) as { host?: unknown; port?: unknown };
  if (isPort(port) && typeof host === 'string' && host !== '') return { host, port };
  throw new Error(
    `The setting statestore.probes is ${printableValue(probes)}, but must be "admin", "node" or { host, port } with a port from 1 to 65535.`,
  );
}

function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535;
}
