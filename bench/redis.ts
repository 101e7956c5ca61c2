/** What the comparison with Redis needs: a server from the system, and Node-RED's nodes for it. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Server } from './children';

const FOLDER = join(ROOT, 'bench', 'redis-nodes');

export interface Redis {
  server: Server;
  /** The folder of node-red-contrib-redis. */
  nodes: string;
}

/** Nothing, said loudly, where one of the two is not to be had. */
export async function startRedis(): Promise<Redis | undefined> {
  try {
    return { nodes: installed('node-red-contrib-redis'), server: await Server.start('redis') };
  } catch (error) {
    console.error(`\n!! SKIPPED: no comparison with Redis (${(error as Error).message.split('\n')[0]});`);
    console.error(
      '   it needs redis-server (Debian: apt-get install redis-server) and the registry of npm\n',
    );
    return undefined;
  }
}

/** The folder of a package of `bench/redis-nodes`, which is installed beside the project the first time. */
export function installed(name: string): string {
  const folder = join(FOLDER, 'node_modules', name);
  if (!existsSync(folder)) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], {
      cwd: FOLDER,
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  return folder;
}
