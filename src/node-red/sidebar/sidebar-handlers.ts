/** What serves the endpoints of the tab in the sidebar. */
import type { NodeAPI } from 'node-red';
import type { Readiness } from '../health/readiness';
import { handler, nothing } from './endpoint';
import { ENDPOINTS, type EndpointName } from './endpoint-table';
import { keyHandlers } from './key-endpoints';
import type { Handler } from './route';
import { storeHandlers } from './store-endpoints';
import { watchHandlers } from './watch-endpoints';

export type SidebarHandlers = Record<Exclude<EndpointName, 'test'>, Handler>;

/** For one Node-RED. `readiness`: what the probes know of this instance. */
export function sidebarHandlers(RED: NodeAPI, readiness: () => Readiness): SidebarHandlers {
  return {
    readiness: handler(RED, ENDPOINTS.readiness, nothing, readiness),
    ...storeHandlers(RED),
    ...watchHandlers(RED),
    ...keyHandlers(RED),
  };
}
