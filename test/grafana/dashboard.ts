/** The dashboard for Grafana that docs/operate.md shows how to install. Grafana's own types say which properties there are. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  VizLegendOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  MappingType,
  QueryVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** PromQL and how its series are called. */
type Query = [expression: string, legend: string];

const DATASOURCE = { type: 'prometheus', uid: '$' + '{datasource}' };
const OF_STORE = 'instance=~"$instance",store=~"$store"';
const DURATION = 'db_client_operation_duration_seconds';
const RATE = '$__rate_interval';
/** Grafana's names of units. */
const UNIT = { seconds: 's', perSecond: 'ops', none: 'short' };

/** Half a row. */
const COLUMNS = 12;
const HEIGHT = { low: 5, middle: 6, high: 8 };

export function buildDashboard(): Dashboard {
  return new DashboardBuilder('Node-RED and the state store')
    .uid('node-red-statestore')
    .description('Metrics of @edgestate/node-red-statestore: connections, requests, roles and back-pressure.')
    .tags(['node-red', 'state-store', 'azure-iot-operations'])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(labelVariable('instance', 'Instance', 'label_values(statestore_connected, instance)'))
    .withVariable(
      labelVariable('store', 'Store', 'label_values(statestore_connected{instance=~"$instance"}, store)'),
    )
    .withRow(new RowBuilder('Now'))
    .withPanel(
      timeline('Connected', states('away', 'connected'), [
        `statestore_connected{${OF_STORE}}`,
        '{{instance}} {{store}}',
      ])
        .description('Whether there is a connection to the broker.')
        .thresholds(steps([null, 'red'], [1, 'green'])),
    )
    .withPanel(
      timeline('Roles', states('standby', 'active'), [
        'statestore_role_active{instance=~"$instance"}',
        '{{role}} {{instance}}',
      ])
        .description('Which instance is active. Exactly one of the candidates for a role should be.')
        .thresholds(steps([null, 'blue'], [1, 'green'])),
    )
    .withPanel(
      stat('Token expires in', [[`statestore_token_expiry_seconds{${OF_STORE}}`, '{{instance}} {{store}}']])
        .description('Kubernetes renews the service account token before it expires.')
        .noValue('no token')
        .thresholds(steps([null, 'red'], [60, 'orange'], [300, 'green'])),
    )
    .withPanel(
      stat('Clock of the store ahead', [
        [`statestore_clock_offset_seconds{${OF_STORE}}`, '{{instance}} {{store}}'],
      ])
        .description('Below 0 the clock is behind. Requests fail if the clocks differ by more than 60 s.')
        .thresholds(steps([null, 'red'], [-60, 'orange'], [-10, 'green'], [10, 'orange'], [60, 'red'])),
    )
    .withRow(new RowBuilder('Requests'))
    .withPanel(
      series('Requests per second', UNIT.perSecond, [
        [
          `sum by (db_operation_name) (rate(${DURATION}_count{${OF_STORE}}[${RATE}]))`,
          '{{db_operation_name}}',
        ],
      ]).description('By operation, failures included.'),
    )
    .withPanel(
      series('Failures per second', UNIT.perSecond, [
        [
          `sum by (db_operation_name, error_type) (rate(${DURATION}_count{${OF_STORE},error_type!=""}[${RATE}]))`,
          '{{db_operation_name}} {{error_type}}',
        ],
      ])
        .description('By operation and code of the error. The codes are in docs/troubleshooting.md.')
        .noValue('none'),
    )
    .withPanel(
      series(
        'Duration',
        UNIT.seconds,
        [0.5, 0.95, 0.99].map(
          (quantile): Query => [
            `histogram_quantile(${quantile}, sum by (le) (rate(${DURATION}_bucket{${OF_STORE}}[${RATE}])))`,
            `${quantile * 100} %`,
          ],
        ),
      ).description('Half, 95 % and 99 % of the requests took at most this long, waiting included.'),
    )
    .withPanel(
      series('Average duration by operation', UNIT.seconds, [
        [
          `sum by (db_operation_name) (rate(${DURATION}_sum{${OF_STORE}}[${RATE}])) / sum by (db_operation_name) (rate(${DURATION}_count{${OF_STORE}}[${RATE}]))`,
          '{{db_operation_name}}',
        ],
      ]),
    )
    .withPanel(
      series('Requests without an outcome', UNIT.none, [
        [`sum by (instance) (statestore_requests_waiting{${OF_STORE}})`, 'waiting {{instance}}'],
        [`sum by (instance) (statestore_requests_in_flight{${OF_STORE}})`, 'in flight {{instance}}'],
      ]).description(
        'Of all stores chosen. Waiting requests were not sent yet: there is no connection, or no place in flight.',
      ),
    )
    .withPanel(
      series('Keys observed', UNIT.none, [
        [`statestore_keys_observed{${OF_STORE}}`, '{{instance}} {{store}}'],
      ]),
    )
    .withRow(new RowBuilder('Locks and the shared context'))
    .withPanel(
      series('Locks', UNIT.none, [
        [`sum by (instance) (statestore_locks_held{${OF_STORE}})`, 'held {{instance}}'],
        [`sum by (instance) (statestore_lock_requests_waiting{${OF_STORE}})`, 'waiting {{instance}}'],
      ]).description(
        'Locks that each instance holds, and messages that wait for one. Update nodes use locks, too.',
      ),
    )
    .withPanel(
      series('Writes of the shared context', UNIT.none, [
        [`statestore_context_writes_pending{${OF_STORE}}`, 'pending {{instance}}'],
        [`increase(statestore_context_writes_failed_total{${OF_STORE}}[${RATE}])`, 'failed {{instance}}'],
      ])
        .description(
          'Pending writes have no outcome yet. The log of Node-RED names the keys of failed writes.',
        )
        .noValue('no shared context'),
    )
    .withRow(new RowBuilder('Broker'))
    .withPanel(
      series('Connections made', UNIT.none, [
        [`increase(statestore_connections_total{${OF_STORE}}[${RATE}])`, '{{instance}} {{store}}'],
      ]).description('Each one after the first is a reconnect.'),
    )
    .withPanel(
      series('Publishes rejected per second', UNIT.perSecond, [
        [
          `sum by (instance, reason_code) (rate(statestore_publishes_rejected_total{${OF_STORE}}[${RATE}]))`,
          '{{instance}} {{reason_code}}',
        ],
      ])
        .description('By the reason code of the broker. 0x97 is back-pressure: the client sends again.')
        .noValue('none'),
    )
    .build();
}

function labelVariable(name: string, label: string, values: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query(values)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .includeAll(true)
    .allValue('.*')
    .multi(true)
    .current({ selected: true, text: 'All', value: '$__all' });
}

function query([expression, legend]: Query): DataqueryBuilder {
  return new DataqueryBuilder().expr(expression).legendFormat(legend);
}

function timeline(title: string, mappings: ValueMapping[], one: Query): TimelineBuilder {
  return new TimelineBuilder()
    .datasource(DATASOURCE)
    .title(title)
    .span(COLUMNS)
    .height(HEIGHT.middle)
    .mappings(mappings)
    .withTarget(query(one));
}

function stat(title: string, queries: Query[]): StatBuilder {
  return new StatBuilder()
    .datasource(DATASOURCE)
    .title(title)
    .unit(UNIT.seconds)
    .span(COLUMNS)
    .height(HEIGHT.low)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .targets(queries.map(query));
}

function series(title: string, unit: string, queries: Query[]): TimeSeriesBuilder {
  return new TimeSeriesBuilder()
    .datasource(DATASOURCE)
    .title(title)
    .unit(unit)
    .min(0)
    .span(COLUMNS)
    .height(HEIGHT.high)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .targets(queries.map((one, i) => query(one).refId(String.fromCharCode(65 + i))));
}

/** Words for 0 and 1. */
function states(zero: string, one: string): ValueMapping[] {
  return [{ type: MappingType.ValueToText, options: { 0: { text: zero }, 1: { text: one } } }];
}

function steps(...all: [from: number | null, color: string][]): ThresholdsConfigBuilder {
  const thresholds: Threshold[] = all.map(([value, color]) => ({ value, color }));
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(thresholds);
}
