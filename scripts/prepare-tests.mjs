/** Makes ready what tests that run at the same time share: the browser, unpacked, and Node-RED 5 with a Node.js it runs on. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';

await chromium.executablePath();

const nodeRed5 = fileURLToPath(new URL('../test/node-red-5/', import.meta.url));
if (!existsSync(`${nodeRed5}node_modules/node/bin/node`)) {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: nodeRed5,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
}
