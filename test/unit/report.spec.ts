/** The tables of docs/dev/benchmarks.md. */
import assert from 'node:assert/strict';
import { GOALS } from '../../bench/goals';
import type { Measurement } from '../../bench/measure';
import { report } from '../../bench/report';
import type { Cell, Results } from '../../bench/results';
import { STARTED } from '../../bench/start';

type Figures = Record<string, Partial<Measurement>>;

function cells(set: Figures, get: Figures, inFlight: number): Cell[] {
  const complete = (figures: Figures) =>
    Object.fromEntries(
      Object.entries(figures).map(([name, some]) => [
        name,
        { operations: 1, perSecond: 1, cpu: 1, p50: 1, p99: 1, ...some },
      ]),
    );
  return [
    { operation: 'SET', size: 16, inFlight, ms: 1, contenders: complete(set) },
    { operation: 'GET', size: 16, inFlight, ms: 1, contenders: complete(get) },
  ];
}

const RESULTS: Results = {
  machine: { cpu: 'A processor', cores: 2, node: 'v20', platform: 'linux' },
  seconds: 500,
  servers: { emulator: 40, aedes: 40 },
  nodes: { one: 10, many: 11 },
  require: { library: 150, mqtt: 60 },
  starts: {
    'Node-RED alone': { ms: 1000, cpu: 900, heap: 50, rss: 120 },
    'with more': { ms: 1100, cpu: 950, heap: 51.25, rss: 118 },
  },
  waiting: 640,
  cells: [
    ...cells(
      { floor: { cpu: 5 }, client: { cpu: 20, perSecond: 4 }, plain: { perSecond: 2 } },
      { floor: { cpu: 5 }, client: { cpu: 5, perSecond: 8 }, plain: { perSecond: 1 } },
      256,
    ),
    ...cells({ floor: {}, client: { p50: 2 } }, { floor: {}, client: { p50: 0.5 } }, 1),
  ],
  coordination: [{ what: 'locks', measured: 'fast' }],
  observe: [],
  context: [{ what: 'get', measured: 'faster' }],
};

/** The cells of the row that begins so. */
function row(results: Results, name: string): string[] {
  const line = report(results)
    .results.split('\n')
    .find((one) => one.startsWith(`| ${name} |`));
  return (line ?? '')
    .split(' | ')
    .slice(1)
    .map((cell) => cell.replace(/ ?\|$/, ''));
}

describe('The report of a comparison', () => {
  it('has a row for each goal, with the geometric mean of SET and GET', () => {
    for (const { name } of GOALS) assert.equal(row(RESULTS, name).length, 4, name);
    assert.deepEqual(row(RESULTS, '`client` CPU / `floor`'), ['<= 1.2', '2.00', 'no', '']);
    assert.deepEqual(row(RESULTS, '`client` throughput / `plain`'), ['>= 1.25', '4.00', 'yes', '']);
    assert.deepEqual(row(RESULTS, '1 in flight: `client` p50 / `floor`'), ['<= 1.4', '1.00', 'yes', '']);
    assert.deepEqual(row(RESULTS, 'time to require the library / `mqtt` alone'), [
      '<= 1.2',
      '2.50',
      'no',
      '',
    ]);
    assert.deepEqual(row(RESULTS, 'kB of memory per waiting message'), ['<= 0.8', '0.64', 'yes', '']);
  });

  it('says what a node with a raw socket reaches in place of the nodes', () => {
    const both = { floor: {}, nodes: { p50: 3 }, 'floor-flow': { p50: 1.5 } };
    const results = { ...RESULTS, cells: cells(both, both, 1) };
    assert.deepEqual(row(results, '1 in flight: `nodes` p50 / `floor`'), ['<= 1.15', '3.00', 'no', '1.50']);
  });

  it('has the goals of parts, of starts, of many nodes and of each operation with large values', () => {
    const figure = { name: 'locks', value: 1.5 } as const;
    const large = cells({ 'nodes-text': { cpu: 2 }, 'redis-nodes': {} }, { nodes: {} }, 16);
    const results = {
      ...RESULTS,
      cells: large.map((cell) => ({ ...cell, size: 65_536 })),
      starts: {
        [STARTED.alone]: { ms: 1000, cpu: 1, heap: 1, rss: 1 },
        [STARTED.ours]: { ms: 1030, cpu: 1, heap: 1, rss: 1 },
        [STARTED.redis]: { ms: 1020, cpu: 1, heap: 1, rss: 1 },
      },
      coordination: [{ what: 'locks', measured: 'slow', figure }],
    };
    assert.deepEqual(row(results, 'time of lock and unlock / SET and DEL'), ['<= 1.2', '1.50', 'no', '']);
    assert.deepEqual(row(results, '200 set nodes of one store / 1 node, CPU per message').slice(1, 3), [
      '1.10',
      'yes',
    ]);
    assert.deepEqual(
      row(results, 'what *set* and *get* add to a start of Node-RED / nodes for Redis').slice(1, 3),
      ['1.50', 'no'],
    );
    const name = '64 KiB, 16 in flight, SET: `nodes-text` CPU / `redis-nodes`';
    assert.deepEqual(row(results, name).slice(1, 3), ['2.00', 'no']);
    assert.equal(row(results, name.replace('SET', 'GET'))[1], 'skipped');
  });

  it('says of a goal that it was skipped where one of its contenders was', () => {
    assert.deepEqual(row(RESULTS, '`nodes` CPU / `redis-nodes`'), ['<= 1.2', 'skipped', '', '']);
  });

  it('has SET and GET of a load in one row, and the effect of a package on a start', () => {
    assert.deepEqual(row(RESULTS, '16 B').slice(1), ['5.0 / 5.0', '20.0 / 5.0', '1.0 / 1.0']);
    assert.deepEqual(row(RESULTS, 'Node-RED alone'), ['1000', '900', '50.0', '120']);
    assert.deepEqual(row(RESULTS, 'with more'), ['+100', '+50', '+1.3', '-2']);
  });
});
