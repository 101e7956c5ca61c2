/** Tables, in Markdown, of what a comparison measured. */
import type { Finding } from './coordination';
import type { Job, Measurement } from './measure';

/** One load and what each contender made of it. */
export interface Cell extends Job {
  contenders: Record<string, Measurement>;
}

export interface Results {
  machine: { cpu: string; cores: number; node: string; platform: string };
  /** How long the comparison took. */
  seconds: number;
  /** CPU time per operation in microseconds. */
  servers: { emulator: number; aedes: number };
  cells: Cell[];
  coordination: Finding[];
}

interface Goal {
  name: string;
  /** What the ratio should be at most, or at least. */
  most?: number;
  least?: number;
  ratio: (results: Results) => number;
}

type Figure = 'cpu' | 'perSecond' | 'p50';

/** The ratio of a figure of two contenders, over SET and GET: their geometric mean. */
function ratio(figure: Figure, inFlight: number, one: string, other: string): Goal['ratio'] {
  return ({ cells }) => {
    const ratios = cells
      .filter((cell) => cell.size === 16 && cell.inFlight === inFlight)
      .map(({ contenders }) => (contenders[one]?.[figure] ?? 0) / (contenders[other]?.[figure] ?? 0));
    return Math.exp(ratios.reduce((sum, each) => sum + Math.log(each), 0) / ratios.length);
  };
}

const GOALS: Goal[] = [
  { name: '`client` CPU per operation / `plain`', most: 0.75, ratio: ratio('cpu', 256, 'client', 'plain') },
  { name: '`client` throughput / `plain`', least: 1.25, ratio: ratio('perSecond', 256, 'client', 'plain') },
  { name: '`client` CPU per operation / `floor`', most: 2, ratio: ratio('cpu', 256, 'client', 'floor') },
  { name: '`nodes` CPU per operation / `plain`', most: 1.1, ratio: ratio('cpu', 256, 'nodes', 'plain') },
  {
    name: '`nodes` throughput / `core-flow`',
    least: 2.5,
    ratio: ratio('perSecond', 256, 'nodes', 'core-flow'),
  },
  {
    name: '1 in flight: `client` p50 latency / `floor`',
    most: 1.4,
    ratio: ratio('p50', 1, 'client', 'floor'),
  },
  {
    name: 'emulator CPU per operation / Aedes with a do-nothing responder',
    most: 1.25,
    ratio: ({ servers }) => servers.emulator / servers.aedes,
  },
];

/** Everything that docs/benchmarks.md says of a comparison. */
export function markdown(results: Results): string {
  const { cpu, cores, node, platform } = results.machine;
  const machine = `${cpu}, ${cores} cores, ${platform}, Node.js ${node}; ${results.seconds} seconds in all.`;
  return `\n${machine}\n\n${goalTable(results)}\nA ratio is the geometric mean of those of SET and GET.\n\nLocks, updates and roles:\n\n${findingTable(results.coordination)}\n${resultTable(results)}\n`;
}

export function findingTable(findings: Finding[]): string {
  const rows = findings.map(({ what, goal = '', measured, met }) => [
    ...[what, goal, measured],
    met === undefined ? '' : met ? 'yes' : 'no',
  ]);
  return table(['locks, updates, roles', 'goal', 'measured', 'met'], rows);
}

/** Goal by goal, at 256 in flight and 16 B unless it says otherwise. */
function goalTable(results: Results): string {
  const rows = GOALS.map((goal) => {
    const reached = goal.ratio(results);
    const met = goal.most === undefined ? reached >= (goal.least as number) : reached <= goal.most;
    const aim = goal.most === undefined ? `>= ${goal.least}` : `<= ${goal.most}`;
    return [goal.name, aim, reached.toFixed(2), met ? 'yes' : 'no'];
  });
  return table(['at 256 in flight, 16 B', 'goal', 'measured', 'met'], rows);
}

function resultTable({ cells }: Results): string {
  const rows = cells.flatMap(({ operation, size, inFlight, contenders }) =>
    Object.entries(contenders).map(([name, { perSecond, cpu, p50, p99 }]) => [
      operation,
      size < 1024 ? `${size} B` : `${size / 1024} KiB`,
      String(inFlight),
      `\`${name}\``,
      perSecond.toFixed(0),
      cpu.toFixed(1),
      p50.toFixed(3),
      p99.toFixed(3),
    ]),
  );
  return table(
    ['operation', 'value', 'in flight', 'contender', 'operations/s', 'CPU µs/operation', 'p50 ms', 'p99 ms'],
    rows,
  );
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}
