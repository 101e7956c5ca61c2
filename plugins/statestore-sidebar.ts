/** The endpoints of the tab in the sidebar, and the probes: the part that runs in Node-RED. */
import type { NodeAPI } from 'node-red';
import { serveProbes } from '../src/node-red/health/probes';
import { serveSidebar } from '../src/node-red/sidebar/sidebar-endpoints';

export = (RED: NodeAPI): void => {
  serveSidebar(RED, serveProbes(RED));
};
