/** An emulator as a program of its own. Tells its port, and then how many clients it has whenever that changes. */
import { Emulator } from '../../src/emulator/index';

async function main(): Promise<void> {
  const emulator = await Emulator.start({ port: 0 });
  let told = 0;
  emulator.on('change', () => {
    if (emulator.clients === told) return;
    told = emulator.clients;
    process.send?.({ clients: told });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ port: emulator.port });
}

void main();
