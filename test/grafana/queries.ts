/** What the PromQL of a dashboard asks for. */
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { parser } from '@prometheus-io/lezer-promql';

/** Metrics with the labels that are used of each. */
export type Selected = Map<string, Set<string>>;

/** PromQL, and how its series are called. */
export interface NamedQuery {
  expr: string;
  legendFormat: string;
}

/** What Grafana fills in before it sends a query. */
const RATE_INTERVAL = '$__rate_interval';
const ANY_INTERVAL = '5m';

/** Adds what a query selects. Throws if it is not PromQL. */
export function addSelected(expression: string, selected: Selected): void {
  const text = expression.replaceAll(RATE_INTERVAL, ANY_INTERVAL);
  const metrics: string[] = [];
  const labels: string[] = [];
  const of = (node: { from: number; to: number }) => text.slice(node.from, node.to);
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`Not PromQL at character ${node.from}: ${text}`);
      if (node.name === 'Identifier' && node.matchContext(['VectorSelector'])) metrics.push(of(node));
      if (node.name === 'LabelName') labels.push(of(node));
    },
  });
  if (metrics.length === 0) throw new Error(`No metric: ${text}`);
  for (const metric of metrics) selected.set(metric, new Set([...(selected.get(metric) ?? []), ...labels]));
}

/** The queries of all panels, with how their series are called. */
export function queriesOf({ panels = [] }: Dashboard): NamedQuery[] {
  return panels.flatMap((panel) => ('targets' in panel ? queriesOfPanel(panel) : []));
}

export function queriesOfPanel({ targets = [] }: Panel): NamedQuery[] {
  return targets.flatMap((target) => {
    const { expr, legendFormat } = target as { expr?: unknown; legendFormat?: unknown };
    return typeof expr === 'string' && typeof legendFormat === 'string' ? [{ expr, legendFormat }] : [];
  });
}

/** The labels of a legend such as `{{instance}} {{store}}`. */
export function labelsOfLegend(legend: string): string[] {
  return [...legend.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] as string);
}
