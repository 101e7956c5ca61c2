/**
 * What this package adds to a start of Node-RED, without the rest of `npm run bench`.
 *
 *   npm run bench:start [-- --quick]
 */
import { Server } from './children';
import { startRedis } from './redis';
import { startTable } from './report';
import { compareStarts, starts } from './start';

const ROUNDS = process.argv.includes('--quick') ? 5 : 21;

async function main(): Promise<void> {
  const redis = await startRedis();
  const emulator = await Server.start('emulator');
  console.log(startTable(await compareStarts(starts(emulator, redis), ROUNDS)));
  await Promise.all([emulator.stop(), redis?.server.stop()]);
}

main().then(
  // Ends what is still running as well.
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
