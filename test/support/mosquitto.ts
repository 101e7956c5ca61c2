/** A real Mosquitto of the test's own, on a port of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitForPort } from './ports';

export interface Mosquitto {
  port: number;
  stop(): Promise<void>;
}

/** Call it in `before`: fails in CI and skips loudly elsewhere when a Mosquitto program is not installed. */
export function requireProgram(context: Mocha.Context, program: string): void {
  try {
    execFileSync('which', [program], { stdio: 'ignore', env: withSbin() });
  } catch {
    if (process.env.CI) throw new Error(`${program} is not installed; CI needs it`);
    console.warn(
      `\n    !! SKIPPED: ${program} is not installed (Debian: apt-get install mosquitto mosquitto-clients)\n`,
    );
    context.skip();
  }
}

export async function startMosquitto(config = ''): Promise<Mosquitto> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const file = join(directory, 'mosquitto.conf');
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n${config}\n`);
  const child: ChildProcess = spawn('mosquitto', ['-c', file], { stdio: 'ignore', env: withSbin() });
  const exited = once(child, 'exit');
  await Promise.race([
    waitForPort(port),
    exited.then(() => {
      throw new Error('mosquitto ended before it listened');
    }),
  ]);
  return {
    port,
    stop: async () => {
      child.kill();
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Debian puts the broker into /usr/sbin. */
function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
}
