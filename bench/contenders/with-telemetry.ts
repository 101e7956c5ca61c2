/** Loaded before a contender: an SDK of OpenTelemetry is registered, and collects every second. */
import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';

const EVERY_MS = 1000;

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({
  ...{ exporter, exportIntervalMillis: EVERY_MS, exportTimeoutMillis: EVERY_MS },
});
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
// No program reads the export.
setInterval(() => exporter.reset(), EVERY_MS).unref();
