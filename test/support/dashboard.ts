/** FlowFuse Dashboard 2, installed beside the project, for the examples that have a page. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './node-red';
import { skipWithout } from './skips';

const FOLDER = join(ROOT, 'test', 'dashboard');
const MODULE = join('node_modules', '@flowfuse', 'node-red-dashboard');

/** Installs it the first time; whether it is there then. */
export function hasDashboard(): boolean {
  const manifest = join(FOLDER, MODULE, 'package.json');
  if (existsSync(manifest)) return true;
  const options = { cwd: FOLDER, stdio: 'ignore', shell: process.platform === 'win32' } as const;
  try {
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options);
  } catch {
    return false;
  }
  return existsSync(manifest);
}

/** In `before` of tests that need it. */
export function requireDashboard(context: Mocha.Context): void {
  if (hasDashboard()) return;
  skipWithout(context, {
    why: '@flowfuse/node-red-dashboard is not installed in test/dashboard',
    remedy: 'npm ci in test/dashboard, with access to the registry',
  });
}

/** Its folder, for the modules of a Node-RED; nothing where it cannot be installed. */
export function dashboardModules(): string[] {
  return hasDashboard() ? [join(FOLDER, MODULE)] : [];
}
