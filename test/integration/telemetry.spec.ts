/** What a client reports to an SDK of OpenTelemetry. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { telemetryOf } from '../../src/client/telemetry';
import { Emulator } from '../../src/emulator';
import { StateStoreClient } from '../../src/index';
import { ROOT } from '../support/node-red';

const KEY = 'a-key-that-no-metric-has';

describe('OpenTelemetry', () => {
  let emulator: Emulator;
  let exporter: InMemoryMetricExporter;
  let reader: PeriodicExportingMetricReader;

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    reader = new PeriodicExportingMetricReader({ exporter });
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  });

  afterEach(async () => {
    metrics.disable();
    await reader.shutdown();
    await emulator.close();
  });

  const connect = () => new StateStoreClient({ host: '127.0.0.1', port: emulator.port });

  /** Instruments by name, as they are now. */
  const exported = async () => {
    exporter.reset();
    await reader.forceFlush();
    const scopes = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics);
    return new Map(
      scopes.flatMap((scope) => scope.metrics).map((metric) => [metric.descriptor.name, metric] as const),
    );
  };

  it('gets the duration of each request, by operation and by the code of the error, without keys', async () => {
    const store = connect();
    await store.set(KEY, 'v');
    await store.get(KEY);
    await store.get(KEY);
    await assert.rejects(store.get(KEY, { signal: abortedSoon() }));
    const all = await exported();
    const durations = all.get('db.client.operation.duration');
    assert.equal(durations?.descriptor.unit, 's');
    const points = (durations?.dataPoints ?? []) as DataPoint<Histogram>[];
    const server = {
      ...{ 'db.system.name': 'azure_iot_operations_state_store' },
      ...{ 'server.address': '127.0.0.1', 'server.port': emulator.port },
    };
    const [first] = points;
    assert.deepEqual(first?.value.buckets.boundaries, [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
    const counts = points.map(({ attributes, value }) => [attributes, value.count]);
    assert.deepEqual(counts, [
      [{ ...server, 'db.operation.name': 'set' }, 1],
      [{ ...server, 'db.operation.name': 'get' }, 2],
      [{ ...server, 'db.operation.name': 'get', 'error.type': 'ABORTED' }, 1],
    ]);
    assert.ok(points.every(({ value }) => (value.sum ?? 0) > 0 && (value.sum ?? 0) < 10));
    assert.equal(all.get('statestore.connections')?.dataPoints[0]?.value, 1);
    assert.doesNotMatch(JSON.stringify([...all.values()]), new RegExp(KEY));
    await store.close();
  });

  it('counts the connections of clients that have the same server together', async () => {
    const stores = [connect(), connect()];
    await Promise.all(stores.map((store) => store.connect()));
    const points = (await exported()).get('statestore.connections')?.dataPoints;
    assert.deepEqual(
      points?.map(({ value }) => value),
      [2],
    );
    await Promise.all(stores.map((store) => store.close()));
  });

  it('gets the publishes that the broker rejected, by reason code', async () => {
    const store = connect();
    await store.connect();
    emulator.rejectPublishes({ durationMs: 60_000 });
    const got = store.get(KEY);
    while (store.metrics.rejected.size === 0) await new Promise(setImmediate);
    emulator.rejectPublishes({ durationMs: 0 });
    await got;
    const [point] = (await exported()).get('statestore.publishes.rejected')?.dataPoints ?? [];
    assert.equal(point?.attributes['statestore.reason_code'], '0x97');
    await store.close();
  });

  it('is left alone, and not loaded, if no SDK is registered or the package is not installed', () => {
    const server = { host: '127.0.0.1', port: emulator.port };
    assert.ok(telemetryOf(server));
    metrics.disable();
    assert.equal(telemetryOf(server), undefined);
    const source = `
      const Module = require('node:module');
      const load = Module._load;
      let asked = 0;
      Module._load = (name, ...more) => {
        if (name !== '@opentelemetry/api') return load(name, ...more);
        asked++;
        throw Object.assign(new Error('not installed'), { code: 'MODULE_NOT_FOUND' });
      };
      const { StateStoreClient } = require(${JSON.stringify(ROOT)});
      new StateStoreClient();
      const withoutSdk = asked;
      globalThis[Symbol.for('opentelemetry.js.api.1')] = { metrics: {} };
      for (let n = 0; n < 2; n++) new StateStoreClient();
      console.log(withoutSdk, asked);`;
    assert.equal(execFileSync(process.execPath, ['-e', source], { encoding: 'utf8' }).trim(), '0 1');
  });

  const abortedSoon = () => {
    const abort = new AbortController();
    queueMicrotask(() => abort.abort());
    return abort.signal;
  };
});
