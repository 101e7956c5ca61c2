/**
 * What a change costs on its way from the socket to a handler and to a flow: 10,000 changes a second of 1,000 keys, beside raw sockets.
 * docs/dev/benchmarks.md.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { Child, forkNodeRed, ROOT, Server } from './children';
import { type CountJob, type CountReply, observedKeys } from './contenders/counter';
import { floorObserver, observeNode } from './contenders/flows';
import type { WriteJob } from './contenders/writer';
import type { FigureName, Finding, Part } from './finding';
import { median } from './measure';

const QUICK = process.argv.includes('--quick');
const ROUNDS = QUICK ? 3 : 7;
const KEYS = 1000;
const PER_SECOND = 10_000;
const COUNT = QUICK ? 5000 : 10_000;
const NAMES = ['floor', 'client', 'floor-flow', 'nodes'] as const;

type Name = (typeof NAMES)[number];

async function startProgram(program: string, port: number, ...parameters: string[]): Promise<Child> {
  const child = new Child(fork(join(__dirname, 'contenders', program), [String(port), ...parameters]));
  await child.next();
  return child;
}

async function startFlow(flows: object[]): Promise<Child> {
  const child = new Child(...forkNodeRed(flows, [ROOT], 'counter-node', { httpAdminRoot: false }));
  await child.next();
  return child;
}

async function observe(): Promise<Finding[]> {
  const server = await Server.start('emulator');
  const { port } = server;
  const writer = await startProgram('writer', port);
  const write = (name: Name, count: number) =>
    writer.ask({ name, keys: KEYS, perSecond: PER_SECOND, count } satisfies WriteJob);
  // The observe node reports first what each key has.
  await write('nodes', KEYS);
  const observers: Record<Name, Child> = {
    floor: await startProgram('floor-observer', port, 'floor', String(KEYS)),
    client: await startProgram('client-observer', port, 'client', String(KEYS)),
    'floor-flow': await startFlow(floorObserver(port, KEYS)),
    nodes: await startFlow(observeNode(port, observedKeys('nodes', KEYS))),
  };
  const cpu: Record<Name, number[]> = { floor: [], client: [], 'floor-flow': [], nodes: [] };
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of NAMES) {
      await observers[name].ask({ count: COUNT } satisfies CountJob);
      const [reply] = await Promise.all([observers[name].next<CountReply>(), write(name, COUNT)]);
      if (round >= 0) cpu[name].push(reply.cpu);
    }
  }
  for (const child of [...Object.values(observers), writer, server]) await child.stop();
  const compare = (what: string, figure: FigureName, name: Name, floor: Name): Finding => {
    const [ours, least] = [median(cpu[name]), median(cpu[floor])];
    return {
      ...{ what, goal: `<= 1.5 times \`${floor}\``, met: ours / least <= 1.5 },
      measured: `${ours.toFixed(1)} µs, \`${floor}\` ${least.toFixed(1)}: ${(ours / least).toFixed(2)} times`,
      figure: { name: figure, value: ours / least },
    };
  };
  const load = `of ${PER_SECOND} changes a second of ${KEYS} keys`;
  return [
    compare(`CPU of a change in a handler of the client, ${load}`, 'observe-client', 'client', 'floor'),
    compare(
      `CPU of a change in a flow, through the *observe* node, ${load}`,
      ...(['observe-node', 'nodes', 'floor-flow'] as const),
    ),
  ];
}

/** What is measured, by name. */
export const OBSERVE_PARTS: Record<string, Part> = { observe };
