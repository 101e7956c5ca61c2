/** The emulator, with as many keys as the argument says. */
import { Emulator } from '../../src/emulator/index';
import { fill } from '../fill';
import { serve } from './serve';

void Emulator.start({ port: 0 }).then((emulator) => {
  fill(emulator.engine, Number(process.argv[2] ?? 0));
  serve(emulator.port);
});
