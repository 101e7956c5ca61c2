/** The emulator. Parameters: how many keys it has, its port (0: any), and microseconds of CPU that each message takes longer. */
import { Emulator } from '../../src/emulator/index';
import { fill } from '../fill';
import { serve } from './serve';

const [keys = 0, port = 0, cost = 0] = process.argv.slice(2).map(Number);

void Emulator.start({ port }).then((emulator) => {
  const { engine } = emulator;
  fill(engine, keys);
  if (cost > 0) {
    const execute = engine.execute.bind(engine);
    engine.execute = (...request) => {
      const output = execute(...request);
      spin(cost * (1 + output.notifications.length));
      return output;
    };
  }
  serve(emulator.port);
});

function spin(microseconds: number): void {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}
