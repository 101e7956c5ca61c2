/** `npm run bench:back-pressure -- [seconds] [share]`: messages while the emulator rejects a share of all publishes for lack of room. */
import { Emulator } from '../src/emulator/index';
import { StateStoreClient } from '../src/index';

const IN_FLIGHT = 256;
const seconds = Number(process.argv[2] ?? 5);
const share = Number(process.argv[3] ?? 0.3);

/** `keys`: how many keys the messages share; those of one key are sent without waiting for each other. */
async function run(keys: number): Promise<void> {
  const emulator = await Emulator.start({ port: 0 });
  const store = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, inFlightLimit: IN_FLIGHT });
  const witness = new StateStoreClient({ host: '127.0.0.1', port: emulator.port });
  await store.connect();
  const seen = new Map<string, number>();
  let disorder = 0;
  for (let i = 0; i < keys; i++) {
    await witness.observe(`key/${i}`, (change) => {
      const key = change.key.toString();
      const value = change.operation === 'set' ? Number(change.value) : 0;
      if (value <= (seen.get(key) ?? -1)) disorder++;
      seen.set(key, value);
    });
  }
  emulator.rejectPublishes({ durationMs: seconds * 1000, share });
  const times: number[] = [];
  const failed = new Map<string, number>();
  const end = performance.now() + (seconds + 1) * 1000;
  let sent = 0;
  const sender = async () => {
    while (performance.now() < end) {
      const number = sent++;
      const begin = performance.now();
      try {
        await store.set(`key/${number % keys}`, String(number), { timeout: 10_000 });
        times.push(performance.now() - begin);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        failed.set(code, (failed.get(code) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  times.sort((a, b) => a - b);
  const at = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0);
  const failures = [...failed].map(([code, count]) => `${count} ${code}`).join(', ') || '0';
  console.log(
    `${keys} keys, ${IN_FLIGHT} in flight, ${share * 100} % rejected for ${seconds} s: ${sent} messages, failed: ${failures}, ` +
      `out of order: ${disorder}; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${Math.round(times.at(-1) ?? 0)} ms`,
  );
  await store.close();
  await witness.close();
  await emulator.close();
}

async function main(): Promise<void> {
  for (const keys of [IN_FLIGHT, 4096, 16]) await run(keys);
}

void main();
