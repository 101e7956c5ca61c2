/** The emulator. */
import { Emulator } from '../../src/index';
import { serve } from './serve';

void Emulator.start({ port: 0 }).then(({ port }) => serve(port));
