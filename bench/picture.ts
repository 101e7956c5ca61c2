/** A picture, in SVG, of what an operation costs each contender: two bars each, in groups, the cheapest one first. */
import { type Cell, GOAL_SIZE, LARGE_SIZE, MANY, sizeOf } from './results';

interface Contender {
  name: string;
  what: string;
  /** Of this package. */
  ours?: boolean;
}

const GROUPS: { title: string; contenders: Contender[] }[] = [
  {
    title: 'Programs',
    contenders: [
      { name: 'floor', what: 'a raw socket, nothing checked' },
      { name: 'client', what: 'the client of this package', ours: true },
      { name: 'rust-sdk', what: 'Microsoft’s client for Rust' },
      { name: 'plain', what: 'MQTT.js, by hand' },
    ],
  },
  {
    title: 'Flows in Node-RED',
    contenders: [
      { name: 'floor-flow', what: 'one node with a raw socket' },
      { name: 'redis-nodes', what: 'node-red-contrib-redis, on Redis' },
      { name: 'nodes', what: 'the nodes of this package', ours: true },
      { name: 'nodes-text', what: 'the same with text', ours: true },
      { name: 'core-flow', what: 'Core’s MQTT and function nodes' },
    ],
  },
];

const WIDTH = 760;
const MARGIN = 24;
/** Where bars begin, and how long the longest one is: a label has to fit behind it. */
const LEFT = 276;
const LONGEST = WIDTH - LEFT - MARGIN - 94;
const BAR = 15;
const ROW = 2 * BAR + 17;

/** Colours in a light and in a dark theme, by class. */
const COLOURS: Record<string, [property: string, light: string, dark: string]> = {
  page: ['fill', '#ffffff', '#161b22'],
  name: ['fill', '#1f2328', '#e6edf3'],
  what: ['fill', '#59636e', '#9198a1'],
  line: ['stroke', '#d1d9e0', '#3d444d'],
  'theirs-set': ['fill', '#59636e', '#b1bac4'],
  'theirs-get': ['fill', '#8c959f', '#6e7681'],
  'ours-set': ['fill', '#0550ae', '#79c0ff'],
  'ours-get': ['fill', '#218bff', '#388bfd'],
};

/** The pictures in docs/images, by name, and the load of each. */
export const PICTURES = {
  'cpu.svg': { size: GOAL_SIZE, inFlight: MANY },
  'cpu-large.svg': { size: LARGE_SIZE, inFlight: 16 },
};

/** Microseconds of CPU time per operation; contenders that were skipped are left out. */
export function picture(cells: readonly Cell[], { size, inFlight }: Pick<Cell, 'size' | 'inFlight'>): string {
  const cpu = (operation: Cell['operation'], name: string) =>
    cells.find((cell) => cell.operation === operation && cell.size === size && cell.inFlight === inFlight)
      ?.contenders[name]?.cpu;
  const groups = GROUPS.map(({ title, contenders }) => ({
    title,
    rows: contenders
      .flatMap((contender) => {
        const [set, get] = [cpu('SET', contender.name), cpu('GET', contender.name)];
        return set === undefined || get === undefined ? [] : [{ ...contender, set, get }];
      })
      .sort((one, other) => one.set + one.get - (other.set + other.get)),
  })).filter(({ rows }) => rows.length > 0);
  const most = Math.max(...groups.flatMap(({ rows }) => rows.flatMap(({ set, get }) => [set, get])));

  const parts: string[] = [];
  let y = MARGIN + 16;
  parts.push(text('name title', MARGIN, y, 'CPU time per operation'));
  y += 20;
  parts.push(
    text('what', MARGIN, y, `Values of ${sizeOf(size)}, ${inFlight} requests in flight. Shorter is better.`),
  );
  for (const { title, rows } of groups) {
    y += 34;
    parts.push(text('name group', MARGIN, y, title));
    parts.push(`<path class="line" d="M${MARGIN} ${y + 8.5}H${WIDTH - MARGIN}"/>`);
    y += 20;
    for (const { name, what, ours, set, get } of rows) {
      parts.push(text('name code', MARGIN, y + BAR - 2, name), text('what', MARGIN, y + 2 * BAR, what));
      for (const [index, value] of [set, get].entries()) {
        const operation = index === 0 ? 'SET' : 'GET';
        const top = y + index * (BAR + 1);
        const width = Math.max(1, (value / most) * LONGEST);
        const kind = `${ours ? 'ours' : 'theirs'}-${operation.toLowerCase()}`;
        parts.push(
          `<rect class="${kind}" x="${LEFT}" y="${top}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
          text(
            'name',
            LEFT + width + 6,
            top + BAR - 3.5,
            `${operation} ${value.toFixed(value < 100 ? 1 : 0)} µs`,
          ),
        );
      }
      y += ROW;
    }
    y -= ROW - 2 * BAR;
  }
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>CPU time per operation by contender</title>
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
.title { font-size: 17px; font-weight: 600; }
.group { font-weight: 600; }
.code { font: 600 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
${style(1)}
@media (prefers-color-scheme: dark) {
${style(2)}
}
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

function style(theme: 1 | 2): string {
  return Object.entries(COLOURS)
    .map(([name, colour]) => `.${name} { ${colour[0]}: ${colour[theme]}; }`)
    .join('\n');
}

function text(kind: string, x: number, y: number, words: string): string {
  const escaped = words.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text class="${kind}" x="${Number(x.toFixed(1))}" y="${y}">${escaped}</text>`;
}
