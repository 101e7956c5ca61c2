/** The dashboard for Grafana in docs/grafana. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { buildDashboard } from '../grafana/dashboard';
import { DASHBOARD_FILE, dashboardText } from '../grafana/file';
import { addSelected } from '../grafana/queries';

describe('The dashboard for Grafana', () => {
  it('is the file in docs/grafana, which npm run dashboard writes', () => {
    assert.deepEqual(JSON.parse(readFileSync(DASHBOARD_FILE, 'utf8')), JSON.parse(dashboardText()));
  });

  it('has panels side by side, none upon another, on 24 columns', () => {
    const taken = new Set<string>();
    for (const { title, gridPos } of buildDashboard().panels ?? []) {
      assert.ok(gridPos && gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x},${y}`), `${title} is upon another panel`);
          taken.add(`${x},${y}`);
        }
      }
    }
  });

  it('is red if the clocks differ by more than a minute in either direction, and orange from 10 s on', () => {
    const panel = buildDashboard().panels?.find(({ title }) => title === 'Clock of the store ahead');
    assert.ok(panel && 'fieldConfig' in panel);
    const steps = panel.fieldConfig?.defaults.thresholds?.steps ?? [];
    const colorOf = (seconds: number) =>
      steps.filter(({ value }) => (value ?? -Infinity) <= seconds).at(-1)?.color;
    assert.deepEqual([-61, -11, -9, 9, 11, 61].map(colorOf), [
      ...['red', 'orange', 'green'],
      ...['green', 'orange', 'red'],
    ]);
  });

  it('would fail with a query that is not PromQL', () => {
    assert.throws(() => addSelected('rate(statestore_connected[5m]', new Map()), /Not PromQL/);
    assert.throws(() => addSelected('1 + 1', new Map()), /No metric/);
  });
});
