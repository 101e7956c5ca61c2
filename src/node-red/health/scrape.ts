/** All metrics of this process. */
import { lockCountsOf } from '../../coordination/known-locks';
import { healthParts } from '../../health/parts';
import { runningStoreNodes } from '../store/deployed-stores';
import { type MeasuredClient, metricFamilies } from './metrics';
import { CONTENT_TYPE, formatMetrics } from './prometheus';
import { rolesHere } from './roles';

/** The metrics as Prometheus reads them. */
export function metricsHere(): { type: string; body: string } {
  const families = metricFamilies(clientsHere(), rolesHere(), Date.now());
  return { type: CONTENT_TYPE, body: formatMetrics(families) };
}

function clientsHere(): MeasuredClient[] {
  const stores = runningStoreNodes().flatMap(({ name, id, store: { client } }) =>
    client ? [{ id, store: name || id, metrics: client.metrics, locks: lockCountsOf(client) }] : [],
  );
  const parts = healthParts().map(({ name, client, writes }) => ({
    ...{ store: name, metrics: client.metrics, locks: lockCountsOf(client) },
    ...(writes && { writes: writes() }),
  }));
  return [...stores, ...parts];
}
