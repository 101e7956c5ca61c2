import { hostname } from 'node:os';
import type { NodeAPI } from 'node-red';

/** The name of this Node-RED among others: computer and port, for several of them may run on one computer. */
export function instanceName(RED: NodeAPI): string {
  const { uiPort } = RED.settings as { uiPort?: unknown };
  return uiPort === undefined || uiPort === '' ? hostname() : `${hostname()}:${uiPort}`;
}
