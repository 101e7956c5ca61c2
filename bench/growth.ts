/**
 * How time and memory grow with the number of keys, nodes, observed keys and waiting messages: docs/dev/benchmarks.md.
 *
 *   npm run bench:growth [-- emulator] [expiry] [nodes] [observe] [offline]
 *
 * All of it where no part is named.
 */
import { Emulator } from '../src/emulator/index';
import { StateStoreClient } from '../src/index';
import { ContenderProcess, Server } from './children';
import { manyPasses, manySets } from './contenders/flows';
import { fill } from './fill';
import { measureNodes } from './many-nodes';
import { type Job, median } from './measure';
import { measureWaiting, memoryBytes, state } from './waiting';

const ROUNDS = 7;
const LOAD: Job = { operation: 'SET', size: 16, inFlight: 64, ms: 500 };
const KEYS = [1, 1000, 1_000_000];
const NODES = [1, 20, 200, 1000];
const MB = 2 ** 20;

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

const micro = (value: number) => `${value.toFixed(1)} µs`;

/** Largest over smallest. */
const spread = (values: number[]) => (Math.max(...values) / Math.min(...values)).toFixed(2);

/** CPU time of the emulator per operation, with more and more keys in it. */
async function manyKeys(): Promise<void> {
  const servers: Server[] = [];
  const clients: ContenderProcess[] = [];
  for (const keys of KEYS) {
    const server = await Server.start('emulator', String(keys));
    servers.push(server);
    clients.push(await ContenderProcess.start('floor', server.port));
  }
  const cpu = KEYS.map((): number[] => []);
  for (const client of clients) await client.measure({ ...LOAD, ms: 1500 });
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, server] of servers.entries()) {
      const before = await server.cpu();
      const { operations } = await (clients[index] as ContenderProcess).measure(LOAD);
      cpu[index]?.push(((await server.cpu()) - before) / operations);
    }
  }
  for (const child of [...clients, ...servers]) await child.stop();
  const medians = cpu.map(median);
  console.log('Emulator, CPU time per SET:');
  for (const [index, keys] of KEYS.entries())
    console.log(`  ${keys} keys: ${micro(medians[index] as number)}`);
  console.log(`  largest / smallest: ${spread(medians)}`);
}

/** Memory and timers of a million keys that expire. */
async function expiringKeys(): Promise<void> {
  const count = 1_000_000;
  for (const expiring of [false, true]) {
    const emulator = await Emulator.start({ port: 0 });
    const before = memoryBytes();
    fill(emulator.engine, count, expiring ? (index) => 3_600_000 + index : undefined);
    const perKey = (memoryBytes() - before) / count;
    const what = expiring ? 'that expire' : 'that do not expire';
    console.log(`${count} keys ${what}: ${perKey.toFixed(0)} bytes each, ${timers()} timers`);
    if (expiring) {
      const begin = performance.now();
      emulator.engine.expire(Date.now(), performance.now() + 10_000_000);
      const each = ((performance.now() - begin) * 1000) / count;
      console.log(`  all expire at once: ${micro(each)} each, ${emulator.keys} left`);
    }
    await emulator.close();
  }
}

/**
 * CPU time of Node-RED per message, with more and more set nodes on one store, each with a node of its own before it; and beside them as many nodes
 * that do nothing, which is what Node-RED itself takes.
 */
async function manyNodes(): Promise<void> {
  const server = await Server.start('emulator');
  const kinds = {
    'Set nodes on one store': (nodes: number) => manySets(server.port, nodes),
    'Nodes that do nothing': manyPasses,
  };
  for (const [what, flowOf] of Object.entries(kinds)) {
    const medians = await measureNodes(flowOf, NODES, ROUNDS);
    console.log(`${what}, CPU time of Node-RED per message:`);
    for (const [index, nodes] of NODES.entries())
      console.log(`  ${nodes} nodes: ${micro(medians[index] as number)}`);
    console.log(`  200 nodes / 1 node: ${((medians[2] as number) / (medians[0] as number)).toFixed(2)}`);
  }
  await server.stop();
}

/** From the end of an outage until every key is observed and read again. */
async function observeAgain(): Promise<void> {
  console.log('Observing again after a reconnect (KEYNOTIFY and GET for each key):');
  for (const keys of [100, 1000, 10_000]) {
    let emulator = await Emulator.start({ port: 0 });
    const { port, engine } = emulator;
    fill(engine, keys);
    const store = new StateStoreClient({ host: '127.0.0.1', port });
    let reported = 0;
    const names = Array.from({ length: keys }, (_, index) => `fill/${index}`);
    for (let at = 0; at < keys; at += 500) {
      await Promise.all(names.slice(at, at + 500).map((name) => store.observe(name, () => reported++)));
    }
    await emulator.close();
    await state(store, 'disconnected');
    fill(engine, keys); // every key changes meanwhile
    emulator = await Emulator.start({ port, engine });
    await state(store, 'connected');
    const begin = performance.now();
    while (reported < keys) await new Promise((resolve) => setImmediate(resolve));
    const ms = performance.now() - begin;
    console.log(
      `  ${keys} keys: ${ms.toFixed(0)} ms, ${micro((ms * 1000) / keys)} each; ${reported} changes reported`,
    );
    await store.close();
    await emulator.close();
  }
}

async function offline(): Promise<void> {
  const count = 10_000;
  for (const size of [16, 1024]) {
    const { bytes, ms, keys } = await measureWaiting(count, size);
    const memory = `${((bytes * count) / MB).toFixed(1)} MB, ${bytes.toFixed(0)} bytes each`;
    console.log(
      `${count} messages of ${size} B queued offline: ${memory}, sent and answered in ${ms.toFixed(0)} ms, ${keys} keys`,
    );
  }
}

/** What is measured, by name. */
const PARTS: Record<string, () => Promise<void>> = {
  ...{ emulator: manyKeys, expiry: expiringKeys, nodes: manyNodes, observe: observeAgain, offline },
};

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  for (const name of wanted.length > 0 ? wanted : Object.keys(PARTS)) {
    const part = PARTS[name];
    if (!part) throw new Error(`There is no part ${name}. Parts are ${Object.keys(PARTS).join(', ')}.`);
    await part();
  }
}

void main();
