/**
 * An emulator as a program of its own. Reports its port, and then how many clients it has whenever that changes. A message of {@link Rejection}
 * makes it reject publishes for a while. With the argument `executed`, it executes a write again that comes twice. The second argument is the
 * file in which it keeps its keys.
 */
import { Emulator } from '../../src/emulator/index';

export interface Rejection {
  durationMs: number;
  /** From 0 to 1. */
  share: number;
}

async function main(): Promise<void> {
  const [, , repeats, file] = process.argv;
  const emulator = await Emulator.start({
    ...{ port: 0, recogniseRepeats: repeats !== 'executed' },
    ...(file !== undefined && { file }),
  });
  let told = 0;
  emulator.on('change', () => {
    if (emulator.clients === told) return;
    told = emulator.clients;
    process.send?.({ clients: told });
  });
  process.on('message', (rejection: Rejection) => emulator.rejectPublishes(rejection));
  process.on('disconnect', () => process.exit());
  process.send?.({ port: emulator.port });
}

void main();
