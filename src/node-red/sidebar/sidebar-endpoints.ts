/** What the tab in the editor's sidebar asks the runtime for. SECURITY.md lists all endpoints. */
import type { NodeAPI } from 'node-red';
import type { Readiness } from '../health/readiness';
import { nothing, serve } from './endpoint';
import { ENDPOINTS } from './endpoint-table';
import { serveKeys } from './key-endpoints';
import { serveStores } from './store-endpoints';
import { serveWatches } from './watch-endpoints';

/** `readiness`: what the probes know of this instance. */
export function serveSidebar(RED: NodeAPI, readiness: () => Readiness): void {
  serve(RED, ENDPOINTS.readiness, nothing, readiness);
  serveStores(RED);
  serveWatches(RED);
  serveKeys(RED);
}
