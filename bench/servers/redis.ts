/** A `redis-server` of the system that keeps nothing; ends with this process. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../test/support/ports';
import { serve } from './serve';

async function main(): Promise<void> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const options = { bind: '127.0.0.1', port, dir: folder, save: '', appendonly: 'no' };
  const child = spawn(
    'redis-server',
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    {
      // Debian installs servers in folders that are not in every PATH.
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.once('exit', () => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  process.once('SIGTERM', () => child.kill());
  child.once('error', ({ message }) => {
    console.error(message);
    process.exit(1);
  });
  child.once('exit', (code) => process.exit(code ?? 1));
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('Ready to accept connections')) serve(port);
  });
}

void main();
