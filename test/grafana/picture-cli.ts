/**
 * Makes docs/images/grafana.png: every panel of the dashboard, drawn by Grafana's own components, with what a Prometheus answers that has
 * scraped two Node-RED instances for five minutes. The components are in test/grafana/picture and are installed there the first time.
 *
 *   npm run dashboard:picture            Prometheus is needed (Debian: apt-get install prometheus)
 *   npm run dashboard:picture -- draw    draws the answers of the last time again
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import { ROOT } from '../support/node-red';
import { answersOf } from './answers';
import { buildDashboard } from './dashboard';
import { type Drawing, draw } from './draw';
import { RATE_INTERVAL_SECONDS, Site } from './site';

const FOLDER = join(ROOT, 'test', 'grafana', 'picture');
const PICTURE = join(ROOT, 'docs', 'images', 'grafana.png');
const ANSWERS = join(ROOT, 'node_modules', '.cache', 'grafana-answers.json');
const STEP_SECONDS = 2;

async function main(): Promise<void> {
  if (!existsSync(join(FOLDER, 'node_modules')))
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
  if (process.argv[2] !== 'draw') {
    mkdirSync(dirname(ANSWERS), { recursive: true });
    writeFileSync(ANSWERS, JSON.stringify(await collect()));
  }
  writeFileSync(PICTURE, await draw(FOLDER, JSON.parse(readFileSync(ANSWERS, 'utf8')) as Drawing));
}

async function collect(): Promise<Drawing> {
  const dashboard = buildDashboard();
  const site = await Site.start();
  const startSeconds = Math.ceil(Date.now() / 1000);
  try {
    await site.run();
    const range = { startSeconds, endSeconds: Math.floor(Date.now() / 1000), stepSeconds: STEP_SECONDS };
    const panels = await answersOf(dashboard, site.prometheus, range, RATE_INTERVAL_SECONDS);
    const rows = (dashboard.panels ?? []).filter((one): one is RowPanel => 'collapsed' in one);
    return { range, rows, panels };
  } finally {
    await site.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
