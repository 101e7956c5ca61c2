/**
 * A list of 100,000 keys while another client sets and deletes keys of the same pattern: whether each key that stays is listed exactly once, how long it
 * takes, and how much memory the reader and the emulator need.
 *
 *   npm run bench:scan -- [keys] [rounds]
 */
import { fillForScan, scanUnderChange } from '../test/support/scan-under-change';
import { Server } from './children';

const KEYS = 100_000;
const ROUNDS = 3;
/** Keys between two looks at the memory. */
const LOOK = 5000;
/** Most memory, in MB, that a list may take from the reader: a few pages, for any number of keys. */
const GOAL_MB = 10;

/** MB that are in use after a garbage collection. */
function heapMb(): number {
  global.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? KEYS);
  const rounds = Number(process.argv[3] ?? ROUNDS);
  const server = await Server.start('emulator');
  const empty = await server.memory();
  await fillForScan(server.port, count);
  const full = await server.memory();
  console.log(`${process.version}, ${count} keys on the emulator (${(full - empty).toFixed(0)} MB there)`);
  for (let round = 1; round <= rounds; round++) {
    const before = heapMb();
    let most = 0;
    let looks = 0;
    const result = await scanUnderChange(server.port, count, (listed) => {
      if (listed % LOOK !== 0) return;
      const begin = performance.now();
      most = Math.max(most, heapMb() - before);
      looks += performance.now() - begin;
    });
    const after = await server.memory();
    const { missed, repeated, passing, changes, ms } = result;
    console.log(
      `round ${round}: ${(ms - looks).toFixed(0)} ms, ${changes} changes meanwhile; of ${count} stable keys ${missed} missed, ${repeated} listed twice; ` +
        `${passing} passing keys listed; memory of the reader +${most.toFixed(1)} MB at most, of the emulator ${(after - full).toFixed(1)} MB more afterwards`,
    );
    if (missed > 0 || repeated > 0 || most > GOAL_MB) process.exitCode = 1;
  }
  await server.stop();
}

void main();
