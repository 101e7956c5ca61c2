/** The setting `statestore.probes` of settings.js: where the probes are served. */

/** `admin`: below Node-RED's `httpAdminRoot`. `node`: below its `httpNodeRoot`. Otherwise an address of their own. */
export type ProbePlace = 'admin' | 'node' | { host: string; port: number };

const DEFAULT_HOST = '127.0.0.1';

/** Throws an error that names the setting. */
export function readProbePlace(settings: unknown): ProbePlace {
  const { probes = 'admin' } = (settings ?? {}) as { probes?: unknown };
  if (probes === 'admin' || probes === 'node') return probes;
  const { host = DEFAULT_HOST, port } = (probes ?? {}) as { host?: unknown; port?: unknown };
  const isPort = Number.isInteger(port) && (port as number) >= 1 && (port as number) <= 65_535;
  if (isPort && typeof host === 'string' && host !== '') return { host, port: port as number };
  throw new Error(
    'The setting statestore.probes must be "admin", "node" or { host, port } with a port from 1 to 65535.',
  );
}
