/** Makes ready what tests that run at the same time share: the browser, unpacked, Node-RED 5 with a Node.js it runs on, and FlowFuse Dashboard. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';

await chromium.executablePath();

/** Installs what a folder below `test` asks for, unless `program` is there. */
function install(name, program) {
  const cwd = fileURLToPath(new URL(`../test/${name}/`, import.meta.url));
  if (existsSync(`${cwd}node_modules/${program}`)) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
}

install('node-red-5', 'node/bin/node');
try {
  install('dashboard', '@flowfuse/node-red-dashboard/package.json');
} catch (error) {
  console.warn(`FlowFuse Dashboard cannot be installed, so its tests are skipped: ${error.message}`);
}
