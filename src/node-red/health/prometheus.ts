/** The text format of Prometheus, version 0.0.4. */

export type Labels = Readonly<Record<string, string>>;

/** A value with its labels. */
export interface Sample {
  labels: Labels;
  value: number;
}

/** A histogram with its labels. `buckets` are not cumulative; the last one counts everything above the highest bound. */
interface HistogramSample {
  labels: Labels;
  buckets: readonly number[];
  sum: number;
  count: number;
}

export type MetricFamily = { name: string; help: string } & (
  | { type: 'counter' | 'gauge'; samples: readonly Sample[] }
  | { type: 'histogram'; bounds: readonly number[]; samples: readonly HistogramSample[] }
);

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Families without samples are left out. */
export function formatMetrics(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map((family) => {
      const head = `# HELP ${family.name} ${escapeHelp(family.help)}\n# TYPE ${family.name} ${family.type}\n`;
      const lines =
        family.type === 'histogram'
          ? family.samples.flatMap((sample) => histogramLines(family.name, family.bounds, sample))
          : family.samples.map(({ labels, value }) => line(family.name, labels, value));
      return `${head}${lines.join('\n')}\n`;
    })
    .join('');
}

function histogramLines(
  name: string,
  bounds: readonly number[],
  { labels, buckets, sum, count }: HistogramSample,
): string[] {
  let cumulative = 0;
  const lines = bounds.map((bound, i) => {
    cumulative += buckets[i] ?? 0;
    return line(`${name}_bucket`, { ...labels, le: String(bound) }, cumulative);
  });
  return [
    ...lines,
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ];
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
