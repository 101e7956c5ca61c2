/** The metrics of this instance: of each store that runs, of its roles, and of the parts that are not nodes. docs/operate.md lists them. */
import { type ClientMetrics, DB_SYSTEM_NAME, DURATION_BOUNDS_S } from '../../client/metrics';
import type { LockCounts } from '../../coordination/known-locks';
import type { WriteCounts } from '../../health/parts';
import { hexOf, ReasonCode } from '../../reason-codes';
import type { Labels, MetricFamily, Sample } from './prometheus';
import type { RoleHere } from './readiness';

/** The client of one store, and the name that its metrics have. */
export interface MeasuredClient {
  /** The name of the store, `shared context` or `flows in the state store`. */
  store: string;
  /** ID of the store, if it is a node. */
  id?: string;
  metrics: ClientMetrics;
  locks: LockCounts;
  /** Of the shared context. */
  writes?: WriteCounts;
}

/** Names follow OpenTelemetry's conventions for database clients, as its exporter for Prometheus writes them. */
export function metricFamilies(
  clients: readonly MeasuredClient[],
  roles: readonly RoleHere[],
  nowMs: number,
): MetricFamily[] {
  const names = namesOf(clients);
  const labelled = clients.map((client, i) => ({
    ...client,
    labels: { db_system_name: DB_SYSTEM_NAME, store: names[i] as string },
  }));
  const gauge = (
    name: string,
    help: string,
    read: (client: MeasuredClient) => number | undefined,
  ): MetricFamily => ({
    ...{ name, help, type: 'gauge' },
    samples: labelled.flatMap(({ labels, ...client }) => sample(labels, read(client))),
  });
  return [
    {
      ...{ name: 'db_client_operation_duration_seconds', type: 'histogram', bounds: DURATION_BOUNDS_S },
      help: 'Duration of requests from the call to the outcome, waiting included.',
      samples: labelled.flatMap(({ labels, metrics }) =>
        metrics.requests.map(({ operation, errorType, count, sumSeconds, buckets }) => ({
          ...{ count, buckets, sum: sumSeconds },
          labels: { ...labels, db_operation_name: operation, ...(errorType && { error_type: errorType }) },
        })),
      ),
    },
    gauge('statestore_requests_waiting', 'Requests that wait to be sent.', ({ metrics }) => metrics.waiting),
    gauge(
      'statestore_requests_in_flight',
      'Requests that were sent and have no answer yet.',
      ({ metrics }) => metrics.inFlight,
    ),
    gauge('statestore_keys_observed', 'Keys that are observed.', ({ metrics }) => metrics.observed),
    gauge('statestore_connected', '1 if there is a connection to the broker, otherwise 0.', ({ metrics }) =>
      Number(metrics.connected),
    ),
    {
      ...{ name: 'statestore_connections_total', type: 'counter' },
      help: 'Connections to the broker that were made so far.',
      samples: labelled.map(({ labels, metrics }) => ({ labels, value: metrics.connections })),
    },
    {
      ...{ name: 'statestore_publishes_rejected_total', type: 'counter' },
      help: `Publishes that the broker did not accept, by the reason code of the PUBACK. ${hexOf(ReasonCode.QUOTA_EXCEEDED)} is back-pressure.`,
      samples: labelled.flatMap(({ labels, metrics }) =>
        // Back-pressure counts from 0 on: a rate() does not see the increase of a counter that was not there before.
        [...new Map<number, number>([[ReasonCode.QUOTA_EXCEEDED, 0], ...metrics.rejected])].map(
          ([code, value]) => ({
            labels: { ...labels, reason_code: hexOf(code) },
            value,
          }),
        ),
      ),
    },
    gauge(
      'statestore_clock_offset_seconds',
      'How far the clock of the store is ahead of the clock of this computer.',
      ({ metrics: { clockOffsetMs } }) => clockOffsetMs && clockOffsetMs / 1000,
    ),
    gauge(
      'statestore_token_expiry_seconds',
      'Seconds until the token of the login expires.',
      ({ metrics: { tokenExpiresAt } }) => tokenExpiresAt && (tokenExpiresAt - nowMs) / 1000,
    ),
    gauge('statestore_locks_held', 'Locks that this instance holds.', ({ locks }) => locks.held),
    gauge(
      'statestore_lock_requests_waiting',
      'Messages and calls of this instance that wait for a lock.',
      ({ locks }) => locks.waiting,
    ),
    gauge(
      'statestore_context_writes_pending',
      'Writes of the shared context that have no outcome yet.',
      ({ writes }) => writes?.pending,
    ),
    {
      ...{ name: 'statestore_context_writes_failed_total', type: 'counter' },
      help: 'Writes of the shared context that failed so far.',
      samples: labelled.flatMap(({ labels, writes }) => sample(labels, writes?.failed)),
    },
    {
      ...{ name: 'statestore_role_active', type: 'gauge' },
      help: '1 if this instance has the role, 0 if it is on standby.',
      samples: [...new Set(roles.map(({ role }) => role))].map((role) => ({
        labels: { role },
        value: Number(roles.some((one) => one.role === role && one.active)),
      })),
    },
  ];
}

/** No two are the same: Prometheus refuses a scrape that has a series twice. */
function namesOf(clients: readonly MeasuredClient[]): string[] {
  const given = clients.map(({ store }) => store);
  const unique = new Set(given.filter((name) => given.indexOf(name) === given.lastIndexOf(name)));
  const used = new Set(unique);
  return clients.map(({ store, id }, i) => {
    if (unique.has(store)) return store;
    let name = `${store} (${id ?? given.slice(0, i + 1).filter((other) => other === store).length})`;
    while (used.has(name)) name += '*';
    used.add(name);
    return name;
  });
}

function sample(labels: Labels, value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ labels, value }];
}
