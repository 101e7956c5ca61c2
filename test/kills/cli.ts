/**
 * An emulator with a file that is killed under load. Prints the report; exit code 1 if an acknowledged write was lost. Then starts with many keys and
 * measures writes with and without a file.
 *
 *   npm run kills [-- KILLS]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { runKills } from './run';

const KEYS = 100_000;
const IN_FLIGHT = 1000;

async function writesPerSecond(port: number): Promise<number> {
  const client = new StateStoreClient({ port });
  const value = 'v'.repeat(100);
  const since = performance.now();
  let next = 0;
  const write = async () => {
    while (next < KEYS) await client.set(`key/${next++}`, value);
  };
  await client.connect();
  await Promise.all(Array.from({ length: IN_FLIGHT }, write));
  await client.close();
  return Math.round(KEYS / ((performance.now() - since) / 1000));
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kills-'));
  try {
    const file = join(folder, 'keys');
    for (const options of [{}, { file }]) {
      await using emulator = await Emulator.start({ port: 0, ...options });
      console.log(
        `${'file' in options ? 'with' : 'without'} a file: ${await writesPerSecond(emulator.port)} writes/s`,
      );
    }
    const since = performance.now();
    await using emulator = await Emulator.start({ port: 0, file });
    console.log(`start with ${emulator.keys} keys: ${Math.round(performance.now() - since)} ms`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main(): Promise<void> {
  const report = await runKills(Number(process.argv[2] ?? '50'));
  console.log(report);
  await measure();
  process.exit(report.lost.length + report.olderVersions.length + report.damaged > 0 ? 1 : 0);
}

void main();
