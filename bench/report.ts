/** Tables, in Markdown, of what a comparison measured. */
import type { Finding } from './finding';
import { GOALS } from './goals';
import type { Measurement } from './measure';
import { type Cell, type Results, sizeOf } from './results';

/** Parts of docs/dev/benchmarks.md, by the name of the mark they stand under. */
export function report(results: Results): Record<'results' | 'observe' | 'coordination' | 'context', string> {
  const { cpu, cores, node, platform } = results.machine;
  const machine = `${cpu}, ${cores} cores, ${platform}, Node.js ${node}; ${results.seconds} seconds in all.`;
  const { library, mqtt } = results.require;
  return {
    results: [
      machine,
      goalTable(results),
      'A ratio is the geometric mean of those of SET and GET, unless one of them is named. The last column has what `floor-flow` reaches in place of `nodes`.',
      'CPU µs per operation, SET / GET:',
      cellTable(results.cells, ({ cpu }) => cpu.toFixed(cpu < 100 ? 1 : 0)),
      'Operations per second, SET / GET:',
      cellTable(results.cells, ({ perSecond }) => perSecond.toFixed(0)),
      'Latency, p50 in milliseconds, SET / GET:',
      cellTable(results.cells, ({ p50 }) => p50.toFixed(p50 < 1 ? 3 : 1)),
      'What a start takes, and what a package adds to it:',
      startTable(results.starts),
      `To require the library takes ${library.toFixed(0)} ms, \`mqtt\` alone ${mqtt.toFixed(0)} ms.`,
    ].join('\n\n'),
    observe: findingTable('observed keys', results.observe),
    coordination: findingTable('locks, updates, roles', results.coordination),
    context: findingTable('the context store', results.context),
  };
}

/** `about` heads the column of what was measured. */
export function findingTable(about: string, findings: Finding[]): string {
  const rows = findings.map(({ what, goal = '', measured, met }) => [
    ...[what, goal, measured],
    met === undefined ? '' : yesOrNo(met),
  ]);
  return table([about, 'goal', 'measured', 'met'], rows);
}

const yesOrNo = (met: boolean) => (met ? 'yes' : 'no');

function goalTable(results: Results): string {
  const rows = GOALS.map(({ name, most, least, figure, floor }) => {
    const reached = figure(results);
    const possible = floor?.(results) ?? Number.NaN;
    const met = most === undefined ? reached >= (least as number) : reached <= most;
    return [
      ...[name, most === undefined ? `>= ${least}` : `<= ${most}`],
      ...(Number.isNaN(reached) ? ['skipped', ''] : [reached.toFixed(2), yesOrNo(met)]),
      Number.isNaN(possible) ? '' : possible.toFixed(2),
    ];
  });
  return table(
    ['16 B and 256 in flight, if nothing else is named', 'goal', 'this run', 'met', '`floor-flow`'],
    rows,
  );
}

/** A row for each load, a column for each contender, in each cell the figure of SET and of GET. */
function cellTable(cells: Cell[], show: (measurement: Measurement) => string): string {
  const names = [...new Set(cells.flatMap(({ contenders }) => Object.keys(contenders)))];
  const sets = cells.filter(({ operation }) => operation === 'SET');
  const rows = sets.map((set) => {
    const get = cells.find(
      ({ operation, size, inFlight }) =>
        operation === 'GET' && size === set.size && inFlight === set.inFlight,
    );
    return [
      sizeOf(set.size),
      String(set.inFlight),
      ...names.map((name) =>
        [set, get].map((cell) => (cell?.contenders[name] ? show(cell.contenders[name]) : '-')).join(' / '),
      ),
    ];
  });
  return table(['value', 'in flight', ...names.map((name) => `\`${name}\``)], rows);
}

/** The first one as it is, and what the others are beyond it. */
export function startTable(starts: Results['starts']): string {
  const [first, ...others] = Object.entries(starts);
  if (!first) return '';
  const [alone, base] = first;
  const more = (value: number, digits = 0) => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
  return table(
    ['', 'ms', 'CPU ms', 'MB of heap', 'MB of the process'],
    [
      [alone, base.ms.toFixed(0), base.cpu.toFixed(0), base.heap.toFixed(1), base.rss.toFixed(0)],
      ...others.map(([name, { ms, cpu, heap, rss }]) => [
        ...[name, more(ms - base.ms), more(cpu - base.cpu)],
        ...[more(heap - base.heap, 1), more(rss - base.rss)],
      ]),
    ],
  );
}

function table(head: string[], rows: string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
