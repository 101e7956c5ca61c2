/** `GET /statestore/live` and `/statestore/ready`, for the probes of Kubernetes and for load balancers: docs/operate.md. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { NodeAPI } from 'node-red';
import { healthParts } from '../../health/parts';
import { runningStoreNodes } from '../store/deployed-stores';
import { readProbePlace } from './probe-settings';
import { type Readiness, readinessOf } from './readiness';
import { rolesHere } from './roles';

/** Milliseconds that a client may take to send its request to a port of the probes' own. */
const REQUEST_TIMEOUT_MS = 5000;

type Probe = () => { status: number; body: object };

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
  const probes: Record<string, Probe> = {
    '/statestore/live': () => ({ status: 200, body: { live: true } }),
    '/statestore/ready': () => {
      const { ready } = readiness();
      return { status: ready ? 200 : 503, body: { ready } };
    },
  };
  placeProbes(RED, probes);
  return readiness;
}

function placeProbes(RED: NodeAPI, probes: Record<string, Probe>): void {
  const { statestore } = RED.settings as { statestore?: unknown };
  let place: ReturnType<typeof readProbePlace>;
  try {
    place = readProbePlace(statestore);
  } catch (error) {
    RED.log.error((error as Error).message);
    return;
  }
  if (typeof place === 'string') {
    const app = place === 'admin' ? RED.httpAdmin : RED.httpNode;
    for (const [path, probe] of Object.entries(probes))
      app.get(path, (_request: unknown, response: ServerResponse) => answer(response, probe));
    return;
  }
  const { host, port } = place;
  const server = createServer((request, response) => onRequest(request, response, probes));
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.on('error', (error) =>
    RED.log.error(`The probes of the state store cannot be served at ${host}:${port}: ${error.message}`),
  );
  server.listen(port, host);
  // The probes do not keep a process alive that ends.
  server.unref();
}

function onRequest(request: IncomingMessage, response: ServerResponse, probes: Record<string, Probe>): void {
  const path = request.url?.split('?', 1)[0] ?? '';
  const probe = Object.hasOwn(probes, path) ? probes[path] : undefined;
  if (!probe) respond(response, 404, { error: 'There is nothing at this path.' });
  else if (request.method !== 'GET' && request.method !== 'HEAD')
    respond(response, 405, { error: 'Use GET.' });
  else answer(response, probe);
}

function answer(response: ServerResponse, probe: Probe): void {
  const { status, body } = probe();
  respond(response, status, body);
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(body));
}

/** Every store that a node uses, and the parts of this process that are not nodes. */
function partsOf(): { name: string; problem: string | undefined }[] {
  const stores = runningStoreNodes()
    .filter(({ store }) => Object.keys(store.users).length > 0)
    .map((node) => ({ name: `store ${node.name || node.id}`, problem: problemOf(node.store.state) }));
  const others = healthParts().map((part) => ({ name: part.name, problem: part.problem() }));
  return [...others, ...stores];
}

function problemOf(state: { kind: string; reason?: { message: string } }): string | undefined {
  if (state.kind === 'connected') return undefined;
  return state.reason?.message ?? 'The store does not answer yet.';
}
