/**
 * Writes docs/grafana/statestore.json.
 *
 *   npm run dashboard
 */
import { writeFileSync } from 'node:fs';
import { DASHBOARD_FILE, dashboardText } from './file';

writeFileSync(DASHBOARD_FILE, dashboardText());
