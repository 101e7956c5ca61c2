/** What the tab in the editor's sidebar asks the runtime for. SECURITY.md lists all endpoints. */
import type { NodeAPI } from 'node-red';
import { serveKeys } from './key-endpoints';
import { serveStores } from './store-endpoints';
import { serveWatches } from './watch-endpoints';

export function serveSidebar(RED: NodeAPI): void {
  serveStores(RED);
  serveWatches(RED);
  serveKeys(RED);
}
