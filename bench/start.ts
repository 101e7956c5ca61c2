/** What a start takes: of the library in a program, of the nodes in Node-RED. */
import { execFileSync } from 'node:child_process';
import { Child, forkNodeRed, ROOT, type Server } from './children';
import { ourNodes, redisFlow } from './contenders/flows';
import { median } from './measure';
import type { Redis } from './redis';

/** What a Node-RED starts with, by name. */
export const STARTED = {
  alone: 'Node-RED alone',
  installed: 'with this package installed',
  ours: 'with its *set* and *get* in a flow',
  redis: 'with node-red-contrib-redis in a flow',
};

/** A Node-RED that has started. */
export interface Start {
  /** Milliseconds from the start of the process until the flows have started. */
  ms: number;
  /** Milliseconds of CPU time (user and system) until then. */
  cpu: number;
  /** MB in use after a garbage collection, buffers included; once a message has gone through, where there are flows. */
  heap: number;
  /** MB of the process. */
  rss: number;
}

/** What is started, by name: packages that are installed, by their folders, and flows. */
export type Starts = Record<string, { packages: string[]; flows: object[] }>;

/** What a Node-RED starts with: nothing, our package, our nodes in a flow, those for Redis in a flow. */
export function starts({ port }: Server, redis: Redis | undefined): Starts {
  return {
    [STARTED.alone]: { packages: [], flows: [] },
    [STARTED.installed]: { packages: [ROOT], flows: [] },
    [STARTED.ours]: { packages: [ROOT], flows: ourNodes(port) },
    ...(redis && {
      [STARTED.redis]: { packages: [redis.nodes], flows: redisFlow(redis.server.port) },
    }),
  };
}

/** Median, in milliseconds, of how long `require` takes in processes of their own, which take turns. */
export function compareRequire(rounds: number): { library: number; mqtt: number } {
  const modules = { library: ROOT, mqtt: 'mqtt' };
  const source = (module: string) =>
    `const begin = performance.now(); require(${JSON.stringify(module)}); console.log(performance.now() - begin); process.exit()`;
  const times = { library: [] as number[], mqtt: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['library', 'mqtt'] as const) {
      const time = execFileSync(process.execPath, ['-e', source(modules[name])], { cwd: ROOT });
      // The first of each fills the caches of the system.
      if (round > 0) times[name].push(Number(time));
    }
  }
  return { library: median(times.library), mqtt: median(times.mqtt) };
}

/** Medians of processes of Node-RED, which take turns. */
export async function compareStarts(starts: Starts, rounds: number): Promise<Record<string, Start>> {
  const all = Object.entries(starts).map(([name, setUp]) => ({ name, ...setUp, seen: [] as Start[] }));
  for (let round = 0; round <= rounds; round++) {
    for (const { flows, packages, seen } of all) {
      const nodeRed = new Child(...forkNodeRed(flows, packages, 'start-node'));
      const start = await nodeRed.next<Start>();
      await nodeRed.stop();
      if (round > 0) seen.push(start);
    }
  }
  return Object.fromEntries(
    all.map(({ name, seen }) => {
      const figure = (of: keyof Start) => median(seen.map((start) => start[of]));
      return [name, { ms: figure('ms'), cpu: figure('cpu'), heap: figure('heap'), rss: figure('rss') }];
    }),
  );
}
