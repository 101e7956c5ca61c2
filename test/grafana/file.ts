/** The dashboard as a file that Grafana imports. */
import { join } from 'node:path';
import { ROOT } from '../support/node-red';
import { buildDashboard } from './dashboard';

export const DASHBOARD_FILE = join(ROOT, 'docs', 'grafana', 'statestore.json');

export function dashboardText(): string {
  return `${JSON.stringify(buildDashboard(), undefined, 2)}\n`;
}
