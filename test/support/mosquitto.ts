/** A real Mosquitto of the test's own, on a port of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, waitForPort } from './ports';
import { skipWithout } from './skips';

export interface Mosquitto {
  port: number;
  directory: string;
  /** Ends the process and leaves its folder: SIGTERM lets it save its sessions, SIGKILL does not. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

/** Call it in `before`: skips the suite when a Mosquitto program is not installed; fails in CI. */
export function requireProgram(context: Mocha.Context, program: string): void {
  try {
    execFileSync('which', [program], { stdio: 'ignore', env: withSbin() });
  } catch {
    const remedy = 'Debian: apt-get install mosquitto mosquitto-clients';
    skipWithout(context, { why: `${program} is not installed`, remedy });
  }
}

/**
 * Starts it with a plain listener for loopback and, after it, the lines of `config`; in these `$DIR` is a folder of its own,
 * kept until `stop`. Given an earlier `directory` and `port`, it is the same broker again.
 */
export async function startMosquitto(
  config = 'allow_anonymous true',
  again: { port?: number; directory?: string } = {},
): Promise<Mosquitto> {
  const port = again.port ?? (await freePort());
  const directory = again.directory ?? mkdtempSync(join(tmpdir(), 'mosquitto-'));
  const file = join(directory, 'mosquitto.conf');
  writeFileSync(
    file,
    `per_listener_settings false\nuser root\nset_tcp_nodelay true\nlistener ${port} 127.0.0.1\n${config.replaceAll('$DIR', directory)}\n`,
  );
  const child: ChildProcess = spawn('mosquitto', ['-c', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: withSbin(),
  });
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const exited = once(child, 'exit');
  let running = true;
  void exited.then(() => {
    running = false;
  });
  const failed = exited.then(() => {
    throw new Error(`mosquitto ended before it listened: ${log}`);
  });
  await Promise.race([waitForPort(port), failed]);
  failed.catch(() => undefined);
  const kill = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (running) child.kill(signal);
    await exited;
  };
  return {
    port,
    directory,
    kill,
    stop: async () => {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Debian puts the broker into /usr/sbin. */
function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
}
