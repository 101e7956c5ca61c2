/** The setting `statestore` of settings.js: where the probes are served, and the token that may read metrics there. */
import { printableValue } from '../../errors';

/** `admin`: below Node-RED's `httpAdminRoot`. `node`: below its `httpNodeRoot`. Otherwise an address of their own. */
type ProbePlace = 'admin' | 'node' | { host: string; port: number };

export interface ProbeSettings {
  place: ProbePlace;
  /** A request with this bearer token may read the metrics at this place. */
  metricsToken?: string;
}

const DEFAULT_HOST = '127.0.0.1';
/** A token that is shorter could be guessed. */
const MIN_TOKEN_LENGTH = 16;

/** Throws an error that names the setting. */
export function readProbeSettings(settings: unknown): ProbeSettings {
  const { probes = 'admin', metricsToken } = (settings ?? {}) as { probes?: unknown; metricsToken?: unknown };
  const place = readPlace(probes);
  if (metricsToken === undefined) return { place };
  if (typeof metricsToken === 'string' && metricsToken.length >= MIN_TOKEN_LENGTH)
    return { place, metricsToken };
  throw new Error(
    `The setting statestore.metricsToken must be text of at least ${MIN_TOKEN_LENGTH} characters.`,
  );
}

function readPlace(probes: unknown): ProbePlace {
  if (probes === 'admin' || probes === 'node') return probes;
  const { host = DEFAULT_HOST, port } = (probes ?? {}) as { host?: unknown; port?: unknown };
  const isPort = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
  if (isPort && typeof host === 'string' && host !== '') return { host, port: port as number };
  throw new Error(
    `The setting statestore.probes is ${printableValue(probes)}, but must be "admin", "node" or { host, port } with a port from 1 to 65535.`,
  );
}
