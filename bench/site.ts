/**
 * Where the limit of a site is: 100 instances that observe the same 1,000 keys, against one emulator, whose messages may be made to cost more CPU,
 * as those of another broker do. docs/how-far-it-goes.md.
 *
 *   npm run bench:site [-- --instances 100] [--keys 1000] [--cost 50]
 *
 * `--cost`: microseconds of CPU that each request and each notification takes the broker longer.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Child, Server } from './children';
import type { AwaitChanges } from './contenders/instances';
import type { WriteJob } from './contenders/writer';

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '100' },
    keys: { type: 'string', default: '1000' },
    cost: { type: 'string', default: '0' },
  },
});
const INSTANCES = Number(values.instances);
const KEYS = Number(values.keys);
const COST = Number(values.cost);
/** How many instances are in one process. */
const TOGETHER = 25;
/** Sets of keys without observers, and of keys that all instances observe. */
const PLAIN_SETS = 20_000;
const OBSERVED_SETS = 500;
const PATIENCE_MS = 15 * 60_000;

const seconds = (microseconds: number): string => (microseconds / 1_000_000).toFixed(1);

async function startChild(program: string, ...parameters: number[]): Promise<Child> {
  const child = new Child(fork(join(__dirname, 'contenders', program), parameters.map(String)));
  await child.next();
  return child;
}

async function main(): Promise<void> {
  const parameters = (port: number) => [KEYS, port, COST].map(String);
  let server = await Server.start('emulator', ...parameters(0));
  const { port } = server;
  /** Microseconds of CPU of the broker during some work. */
  const cpuOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await server.cpu();
    await work();
    return (await server.cpu()) - before;
  };
  const writer = await startChild('writer', port);
  const write = (keys: number, count: number, perSecond: number) =>
    writer.ask({ keys, count, perSecond } satisfies WriteJob);

  await write(KEYS, PLAIN_SETS, 1_000_000); // warms up
  const request = (await cpuOf(() => write(KEYS, PLAIN_SETS, 1_000_000))) / PLAIN_SETS;
  console.log(`A SET of a key that nobody observes: ${request.toFixed(1)} µs of CPU of the broker`);

  const processes: Child[] = [];
  const sizes = Array.from({ length: Math.ceil(INSTANCES / TOGETHER) }, (_none, index) =>
    Math.min(TOGETHER, INSTANCES - index * TOGETHER),
  );
  /** Waits until each instance has seen so many changes. */
  const seen = (each: number) =>
    Promise.all(
      processes.map((child, index) =>
        child.ask({ changes: each * (sizes[index] as number) } satisfies AwaitChanges, PATIENCE_MS),
      ),
    );
  const requests = INSTANCES * KEYS * 2;
  const observing = await cpuOf(async () => {
    for (const size of sizes) processes.push(await startChild('instances', port, size, KEYS));
    await seen(KEYS);
  });
  console.log(
    `${INSTANCES} instances begin to observe ${KEYS} keys each: ${requests} requests, ` +
      `${seconds(observing)} s of CPU of the broker, ${(observing / requests).toFixed(1)} µs each`,
  );

  const observed = await cpuOf(() => Promise.all([write(KEYS, OBSERVED_SETS, 200), seen(OBSERVED_SETS)]));
  const notification = (observed / OBSERVED_SETS - request) / INSTANCES;
  console.log(
    `A change of a key that all of them observe: ${(observed / OBSERVED_SETS).toFixed(0)} µs of CPU of the broker, ` +
      `${notification.toFixed(1)} µs for each notification`,
  );

  await Promise.all([writer.stop(), server.stop()]);
  const begin = performance.now();
  server = await Server.start('emulator', ...parameters(port));
  await seen(KEYS);
  const again = await server.cpu();
  console.log(
    `The broker restarts: all keys are observed and read again after ${((performance.now() - begin) / 1000).toFixed(1)} s, ` +
      `${seconds(again)} s of them CPU of the broker`,
  );
  for (const child of [...processes, server]) await child.stop();

  console.log('\nBy this model, for each core of the broker that the state store can use:');
  const limits = {
    'requests a second, if nobody observes': 1 / request,
    [`changes a second, of keys that ${INSTANCES} instances observe`]:
      1 / (request + INSTANCES * notification),
  };
  for (const [what, each] of Object.entries(limits)) console.log(`  ${(each * 1e6).toFixed(0)} ${what}`);
}

main().then(
  // Ends what is still running as well.
  () => process.exit(),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
