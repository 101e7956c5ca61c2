/** What the figures of a comparison should be. */
import { GOAL_SIZE, MANY, type Results } from './results';

export interface Goal {
  name: string;
  /** What the figure should be at most, or at least. */
  most?: number;
  least?: number;
  /** Not a number where something it needs was skipped. */
  figure: (results: Results) => number;
  /** What a node with a raw socket reaches in its place: where that misses the goal, no node can meet it. */
  floor?: (results: Results) => number;
}

type Figure = 'cpu' | 'perSecond' | 'p50';

/** The ratio of a figure of two contenders, over SET and GET: their geometric mean. */
function ratio(figure: Figure, inFlight: number, one: string, other: string): Goal['figure'] {
  return ({ cells }) => {
    const ratios = cells
      .filter((cell) => cell.size === GOAL_SIZE && cell.inFlight === inFlight)
      .map(
        ({ contenders }) =>
          (contenders[one]?.[figure] ?? Number.NaN) / (contenders[other]?.[figure] ?? Number.NaN),
      );
    return Math.exp(ratios.reduce((sum, each) => sum + Math.log(each), 0) / ratios.length);
  };
}

/** The ratio of our nodes and another contender, and what it would be for a node with a raw socket. */
function ofNodes(figure: Figure, inFlight: number, other: string): Pick<Goal, 'figure' | 'floor'> {
  return {
    figure: ratio(figure, inFlight, 'nodes', other),
    floor: ratio(figure, inFlight, 'floor-flow', other),
  };
}

export const GOALS: Goal[] = [
  { name: '`client` CPU / `floor`', most: 1.8, figure: ratio('cpu', MANY, 'client', 'floor') },
  { name: '`client` CPU / `rust-sdk`', most: 0.3, figure: ratio('cpu', MANY, 'client', 'rust-sdk') },
  { name: '`client` CPU / `plain`', most: 0.75, figure: ratio('cpu', MANY, 'client', 'plain') },
  { name: '`client` throughput / `plain`', least: 1.25, figure: ratio('perSecond', MANY, 'client', 'plain') },
  { name: '`nodes` CPU / `redis-nodes`', most: 1.2, ...ofNodes('cpu', MANY, 'redis-nodes') },
  { name: '`nodes` CPU / `core-flow`', most: 0.17, ...ofNodes('cpu', MANY, 'core-flow') },
  {
    name: '`nodes` throughput / `core-flow`',
    ...{ least: 2.8, ...ofNodes('perSecond', MANY, 'core-flow') },
  },
  { name: '1 in flight: `client` p50 / `floor`', most: 1.4, figure: ratio('p50', 1, 'client', 'floor') },
  { name: '1 in flight: `nodes` p50 / `floor`', most: 1.15, ...ofNodes('p50', 1, 'floor') },
  {
    name: '1 in flight: `nodes` CPU / `redis-nodes`',
    ...{ most: 1.5, ...ofNodes('cpu', 1, 'redis-nodes') },
  },
  {
    name: 'emulator CPU / Aedes with a do-nothing responder',
    ...{ most: 1.2, figure: ({ servers }) => servers.emulator / servers.aedes },
  },
  {
    name: 'time to require the library / `mqtt` alone',
    ...{ most: 1.2, figure: ({ require }) => require.library / require.mqtt },
  },
  { name: 'kB of memory per waiting message', most: 0.8, figure: ({ waiting }) => waiting / 1000 },
];
