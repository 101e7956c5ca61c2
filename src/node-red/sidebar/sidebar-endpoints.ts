/** What the tab in the editor's sidebar asks the runtime for. SECURITY.md lists all endpoints. */
import type { NodeAPI } from 'node-red';
import type { Readiness } from '../health/readiness';
import { ENDPOINTS } from './endpoint-table';
import { route } from './route';
import type * as handlers from './sidebar-handlers';

/** Loaded with the first request. */
const load = (): typeof handlers => require('./sidebar-handlers');

const NAMES: readonly (keyof handlers.SidebarHandlers)[] = [
  ...(['stores', 'readiness', 'namedKeys', 'testDeployed', 'openWatch', 'renewWatch'] as const),
  ...(['listKeys', 'endWatch', 'value', 'set', 'delete'] as const),
];

/** `readiness`: what the probes know of this instance. */
export function serveSidebar(RED: NodeAPI, readiness: () => Readiness): void {
  let made: handlers.SidebarHandlers | undefined;
  for (const name of NAMES)
    route(RED, ENDPOINTS[name], () => {
      made ??= load().sidebarHandlers(RED, readiness);
      return made[name];
    });
}
