/** `/statestore/live`, `/statestore/ready` and `/statestore/metrics`, for Kubernetes, load balancers and Prometheus: docs/operate.md. */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { messageOf } from '../../errors';
import { healthParts } from '../../health/parts';
import { runningStoreNodes } from '../store/deployed-stores';
import type { Store } from '../store/store';
import { readMetricsToken, readProbePlace } from './probe-settings';
import { type Readiness, readinessOf } from './readiness';
import { rolesHere } from './roles';
import type * as scrape from './scrape';

/** Milliseconds that a client may take to send its request to a port of the probes' own. */
const REQUEST_TIMEOUT_MS = 5000;
/** Of that port. Connections that send nothing are closed in time. */
const MAX_CONNECTIONS = 100;
const JSON_TYPE = 'application/json';

interface ProbeResponse {
  status: number;
  type: string;
  body: string;
}

/** Loaded with the first scrape. */
const load = (): typeof scrape => require('./scrape');

type Probe = (request: IncomingMessage) => ProbeResponse;

/** Serves the probes at the place that the settings name. Returns the details, which only some users may read. */
export function serveProbes(RED: NodeAPI): () => Readiness {
  let flowsStarted = false;
  RED.events.on('flows:started', () => {
    flowsStarted = true;
  });
  RED.events.on('flows:stopping', () => {
    flowsStarted = false;
  });
  const readiness = () => readinessOf({ flowsStarted, parts: partsOf(), roles: rolesHere() });
  try {
    place(RED, {
      '/statestore/live': () => json(200, { live: true }),
      '/statestore/ready': () => {
        const { ready } = readiness();
        return json(ready ? 200 : 503, { ready });
      },
    });
  } catch (error) {
    RED.log.error(messageOf(error));
  }
  RED.httpAdmin.get(
    '/statestore/metrics',
    RED.auth.needsPermission('statestore.read'),
    (_request: IncomingMessage, response: ServerResponse) => respond(response, metrics()),
  );
  return readiness;
}

/** Throws an error that names the setting. */
function place(RED: NodeAPI, probes: Record<string, Probe>): void {
  const { statestore } = RED.settings as { statestore?: unknown };
  const where = readProbePlace(statestore);
  const metricsToken = tokenOf(RED, statestore);
  const all =
    metricsToken === undefined
      ? probes
      : {
          ...probes,
          '/statestore/metrics': (request: IncomingMessage) =>
            hasToken(request, metricsToken) ? metrics() : json(401, { error: 'A bearer token is needed.' }),
        };
  if (typeof where === 'string') {
    checkServer(RED, where);
    const app = where === 'admin' ? RED.httpAdmin : RED.httpNode;
    for (const [path, probe] of Object.entries(all)) {
      app.get(path, (request: IncomingMessage, response: ServerResponse, next: () => void) => {
        const result = probe(request);
        // A user of the editor may read the metrics without the token.
        if (result.status === 401 && app === RED.httpAdmin) next();
        else respond(response, result);
      });
    }
    return;
  }
  listen(RED, where, all);
}

/** A wrong token is no reason to serve no probes: Kubernetes would restart this process again and again. */
function tokenOf(RED: NodeAPI, settings: unknown): string | undefined {
  try {
    return readMetricsToken(settings);
  } catch (error) {
    RED.log.error(messageOf(error));
    return undefined;
  }
}

/** Throws if the settings name a server that they switch off. Without a setting the probes are not expected. */
function checkServer(RED: NodeAPI, place: 'admin' | 'node'): void {
  const { statestore, ...settings } = RED.settings as {
    statestore?: { probes?: unknown };
    httpAdminRoot?: unknown;
    httpNodeRoot?: unknown;
  };
  const root = place === 'admin' ? 'httpAdminRoot' : 'httpNodeRoot';
  if (statestore?.probes === undefined || settings[root] !== false) return;
  throw new Error(
    `The probes of the state store cannot be served: ${root} is false. Give them a port of their own: statestore: { probes: { port: 1882 } }.`,
  );
}

function listen(
  RED: NodeAPI,
  { host, port }: { host: string; port: number },
  probes: Record<string, Probe>,
): void {
  const limits = { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS };
  const server = createServer(limits, (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const probe = Object.hasOwn(probes, path) ? probes[path] : undefined;
    if (!probe) respond(response, json(404, { error: 'There is nothing at this path.' }));
    else if (request.method !== 'GET' && request.method !== 'HEAD')
      respond(response, json(405, { error: 'Use GET.' }));
    else respond(response, probe(request));
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('error', (error) =>
    RED.log.error(`The probes of the state store cannot be served at ${host}:${port}: ${error.message}`),
  );
  server.listen(port, host);
  // The probes do not keep a process alive that ends.
  server.unref();
}

function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(headers.authorization ?? '');
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function metrics(): ProbeResponse {
  return { status: 200, ...load().metricsHere() };
}

function json(status: number, body: object): ProbeResponse {
  return { status, type: JSON_TYPE, body: JSON.stringify(body) };
}

function respond(response: ServerResponse, { status, type, body }: ProbeResponse): void {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** Every store that a node uses, and the parts of this process that are not nodes. */
function partsOf(): { name: string; problem: string | undefined }[] {
  const stores = runningStoreNodes()
    .filter(({ store }) => store.isUsedByFlows)
    .map(({ name, id, store }) => {
      store.check();
      return { name: `store ${name || id}`, problem: problemOf(store) };
    });
  const others = healthParts().map((part) => ({ name: part.name, problem: part.problem() }));
  return [...others, ...stores];
}

function problemOf({ state, fault }: Store): string | undefined {
  if (state.kind === 'connected') return undefined;
  if (fault !== undefined) return messageOf(fault);
  return 'reason' in state ? state.reason.message : 'The store does not answer yet.';
}
