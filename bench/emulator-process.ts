/** An emulator in a process of its own, so that what is measured here is the client alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface EmulatorProcess {
  port: number;
  stop(): Promise<void>;
}

export async function startEmulatorProcess(): Promise<EmulatorProcess> {
  const cli = join(__dirname, '..', 'src', 'emulator', 'cli.js');
  const child = spawn(process.execPath, [cli, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return {
    port: Number(/:(\d+) /.exec(line)?.[1]),
    stop: async () => {
      child.kill();
      await exited;
    },
  };
}
