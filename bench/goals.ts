/** What the figures of a comparison should be. */
import type { FigureName } from './finding';
import type { Operation } from './measure';
import { type Cell, GOAL_SIZE, LARGE_SIZE, MANY, type Results } from './results';
import { STARTED } from './start';

export interface Goal {
  name: string;
  /** What the figure should be at most, or at least. */
  most?: number;
  least?: number;
  /** Not a number if something it needs was skipped. */
  figure: (results: Results) => number;
  /** What a node with a raw socket reaches in its place. If that misses the goal, no node can meet it. */
  floor?: (results: Results) => number;
}

type Figure = 'cpu' | 'perSecond' | 'p50';

/** Which cells a ratio is about. SET and GET without an operation: their geometric mean counts. */
interface Load {
  size?: number;
  inFlight: number;
  operation?: Operation;
}

function isOf({ size = GOAL_SIZE, inFlight, operation }: Load): (cell: Cell) => boolean {
  return (cell) =>
    cell.size === size &&
    cell.inFlight === inFlight &&
    (operation === undefined || cell.operation === operation);
}

/** The ratio of a figure of two contenders. */
function ratio(figure: Figure, load: Load, one: string, other: string): Goal['figure'] {
  return ({ cells }) => {
    const ratios = cells
      .filter(isOf(load))
      .map(
        ({ contenders }) =>
          (contenders[one]?.[figure] ?? Number.NaN) / (contenders[other]?.[figure] ?? Number.NaN),
      );
    return Math.exp(ratios.reduce((sum, each) => sum + Math.log(each), 0) / ratios.length);
  };
}

/** The ratio of our nodes and another contender, and what it would be for a node with a raw socket. */
function ofNodes(figure: Figure, load: Load, other: string): Pick<Goal, 'figure' | 'floor'> {
  return {
    figure: ratio(figure, load, 'nodes', other),
    floor: ratio(figure, load, 'floor-flow', other),
  };
}

/** What a part found. */
function found(name: FigureName): Goal['figure'] {
  return ({ observe, coordination, context }) =>
    [...observe, ...coordination, ...context].find(({ figure }) => figure?.name === name)?.figure?.value ??
    Number.NaN;
}

/** What ours adds to the milliseconds of a start, for each that the nodes for Redis add. */
function startRatio({ starts }: Results): number {
  const ms = (name: string) => starts[name]?.ms ?? Number.NaN;
  return (ms(STARTED.ours) - ms(STARTED.alone)) / (ms(STARTED.redis) - ms(STARTED.alone));
}

const OPERATIONS = ['SET', 'GET'] as const;
const IN_FLIGHT = [1, 16, MANY];
const MANY_SMALL: Load = { inFlight: MANY };
const SIXTEEN: Load = { inFlight: 16 };
const ONE: Load = { inFlight: 1 };

/** With 64 KiB. Nodes for Redis have text. A buffer costs more, since each message gets memory of its own. */
const LARGE: Goal[] = [
  ...OPERATIONS.flatMap((operation) =>
    IN_FLIGHT.flatMap((inFlight): Goal[] => {
      const load = { size: LARGE_SIZE, inFlight, operation };
      const name = `64 KiB, ${inFlight} in flight, ${operation}`;
      return [
        {
          name: `${name}: \`nodes-text\` CPU / \`redis-nodes\``,
          ...{ most: 1.2, figure: ratio('cpu', load, 'nodes-text', 'redis-nodes') },
        },
        {
          name: `${name}: \`nodes\` CPU / \`redis-nodes\``,
          ...{ most: 1.2, ...ofNodes('cpu', load, 'redis-nodes') },
        },
      ];
    }),
  ),
  ...IN_FLIGHT.map((inFlight) => ({
    name: `64 KiB, ${inFlight} in flight: \`client\` CPU / \`rust-sdk\``,
    most: 1,
    figure: ratio('cpu', { size: LARGE_SIZE, inFlight }, 'client', 'rust-sdk'),
  })),
];

export const GOALS: Goal[] = [
  { name: '`client` CPU / `floor`', most: 1.2, figure: ratio('cpu', MANY_SMALL, 'client', 'floor') },
  { name: '`client` CPU / `rust-sdk`', most: 0.3, figure: ratio('cpu', MANY_SMALL, 'client', 'rust-sdk') },
  { name: '`client` CPU / `plain`', most: 0.75, figure: ratio('cpu', MANY_SMALL, 'client', 'plain') },
  {
    name: '`client` throughput / `plain`',
    ...{ least: 1.25, figure: ratio('perSecond', MANY_SMALL, 'client', 'plain') },
  },
  { name: '`nodes` CPU / `redis-nodes`', most: 1.2, ...ofNodes('cpu', MANY_SMALL, 'redis-nodes') },
  {
    name: 'GET: `nodes` CPU / `redis-nodes`',
    ...{ most: 1, ...ofNodes('cpu', { ...MANY_SMALL, operation: 'GET' }, 'redis-nodes') },
  },
  {
    name: 'GET of 1 KiB: `nodes` CPU / `redis-nodes`',
    ...{ most: 1, ...ofNodes('cpu', { size: 1024, inFlight: MANY, operation: 'GET' }, 'redis-nodes') },
  },
  { name: '`nodes` CPU / `core-flow`', most: 0.17, ...ofNodes('cpu', MANY_SMALL, 'core-flow') },
  {
    name: '`nodes` throughput / `core-flow`',
    ...{ least: 2.8, ...ofNodes('perSecond', MANY_SMALL, 'core-flow') },
  },
  {
    name: '16 in flight: `nodes` throughput / `floor-flow`',
    ...{ least: 0.95, figure: ratio('perSecond', SIXTEEN, 'nodes', 'floor-flow') },
  },
  {
    name: '16 in flight: `nodes` p50 / `floor-flow`',
    ...{ most: 1.1, figure: ratio('p50', SIXTEEN, 'nodes', 'floor-flow') },
  },
  { name: '1 in flight: `client` p50 / `floor`', most: 1.4, figure: ratio('p50', ONE, 'client', 'floor') },
  { name: '1 in flight: `nodes` p50 / `floor`', most: 1.15, ...ofNodes('p50', ONE, 'floor') },
  {
    name: '1 in flight: `nodes` p50 / `floor-flow`',
    ...{ most: 1.1, figure: ratio('p50', ONE, 'nodes', 'floor-flow') },
  },
  {
    name: '1 in flight: `nodes` CPU / `redis-nodes`',
    ...{ most: 1.35, ...ofNodes('cpu', ONE, 'redis-nodes') },
  },
  ...LARGE,
  {
    name: '200 set nodes of one store / 1 node, CPU per message',
    ...{ most: 1.2, figure: ({ nodes }) => nodes.many / nodes.one },
  },
  {
    name: 'a change in a handler of the client, CPU / `floor`',
    ...{ most: 1.5, figure: found('observe-client') },
  },
  { name: 'a change in a flow, CPU / `floor-flow`', most: 1.5, figure: found('observe-node') },
  {
    name: 'context `set`, one after the other, CPU / Redis',
    ...{ most: 1.5, figure: found('context-set') },
  },
  { name: 'time of lock and unlock / SET and DEL', most: 1.2, figure: found('locks') },
  {
    name: 'what *set* and *get* add to a start of Node-RED / nodes for Redis',
    ...{ most: 1.2, figure: startRatio },
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
