/** What Prometheus answers to each panel of a dashboard, asked as Grafana asks it. */
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Prometheus, Range, Series } from './prometheus';
import { type NamedQuery, queriesOfPanel } from './queries';

export interface Answer extends NamedQuery {
  /** Each with the name that its legend has. */
  series: (Series & { name: string })[];
}

export interface AnsweredPanel {
  panel: Panel;
  answers: Answer[];
}

/** Of every panel that has queries, with all instances and stores chosen. */
export function answersOf(
  dashboard: Dashboard,
  prometheus: Prometheus,
  range: Range,
  rateIntervalSeconds: number,
): Promise<AnsweredPanel[]> {
  const answer = async (query: NamedQuery): Promise<Answer> => {
    const all = await prometheus.queryRange(filledIn(query.expr, rateIntervalSeconds), range);
    const series = all.map((one) => ({ ...one, name: legendOf(query.legendFormat, one.labels) }));
    return { ...query, series };
  };
  const panels = (dashboard.panels ?? []).filter((one): one is Panel => 'targets' in one);
  return Promise.all(
    panels.map(async (panel) => ({ panel, answers: await Promise.all(queriesOfPanel(panel).map(answer)) })),
  );
}

/** The variables of the dashboard with "All", and that of Grafana. */
function filledIn(expression: string, rateIntervalSeconds: number): string {
  return expression
    .replaceAll('$__rate_interval', `${rateIntervalSeconds * 1000}ms`)
    .replaceAll(/\$(instance|store)\b/g, '.*');
}

function legendOf(format: string, labels: Record<string, string>): string {
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '').trim();
}
