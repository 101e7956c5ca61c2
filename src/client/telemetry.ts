/**
 * Reports what a client counts to OpenTelemetry, if `@opentelemetry/api` is installed and an SDK is registered before the client is made.
 * Names and units follow the semantic conventions for database clients. Keys are never part of a metric.
 */
import type * as api from '@opentelemetry/api';
import type { Operation } from '../errors';
import { hexOf } from '../reason-codes';
import { DB_SYSTEM_NAME, DURATION_BOUNDS_S, type MetricsReporter } from './metrics';

const NAME = '@edgestate/node-red-statestore';

/** Where the package keeps what is registered, for all of its copies with this major version. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1');

/** The package, `null` if it is not installed. */
let installed: typeof api | null | undefined;

function load(): typeof api | null {
  try {
    return require('@opentelemetry/api') as typeof api;
  } catch {
    return null;
  }
}

/** Whether an SDK for metrics is registered. Without one, the package is not loaded, because that takes time at each start. */
function isRegistered(): boolean {
  const registry = Reflect.get(globalThis, REGISTRY) as { metrics?: unknown } | undefined;
  return registry?.metrics !== undefined;
}

/** A reporter for a client of this server, or undefined if nothing reads its reports. */
export function telemetryOf({ host, port }: { host: string; port: number }): MetricsReporter | undefined {
  if (!isRegistered()) return undefined;
  installed = installed === undefined ? load() : installed;
  if (!installed) return undefined;
  const meter = installed.metrics.getMeter(NAME);
  if (meter === installed.createNoopMeter()) return undefined;
  return new Telemetry(meter, {
    ...{ 'db.system.name': DB_SYSTEM_NAME, 'server.address': host, 'server.port': port },
  });
}

class Telemetry implements MetricsReporter {
  readonly #attributes: api.Attributes;
  readonly #durations: api.Histogram;
  readonly #connections: api.Counter;
  readonly #rejected: api.Counter;
  /** The attributes of requests, by operation and code of the error. */
  readonly #ofRequests = new Map<string, api.Attributes>();

  constructor(meter: api.Meter, attributes: api.Attributes) {
    this.#attributes = attributes;
    this.#durations = meter.createHistogram('db.client.operation.duration', {
      ...{ description: 'Duration of requests from the call to the outcome, waiting included.', unit: 's' },
      advice: { explicitBucketBoundaries: [...DURATION_BOUNDS_S] },
    });
    this.#connections = meter.createCounter('statestore.connections', {
      ...{ description: 'Connections to the broker that were made so far.', unit: '{connection}' },
    });
    this.#rejected = meter.createCounter('statestore.publishes.rejected', {
      ...{ description: 'Publishes that the broker did not accept.', unit: '{publish}' },
    });
  }

  finished(operation: Operation, errorType: string | undefined, durationMs: number): void {
    this.#durations.record(durationMs / 1000, this.#attributesOf(operation, errorType));
  }

  rejected(reasonCode: number): void {
    const code = hexOf(reasonCode);
    this.#rejected.add(1, { ...this.#attributes, 'statestore.reason_code': code });
  }

  connected(): void {
    this.#connections.add(1, this.#attributes);
  }

  #attributesOf(operation: Operation, errorType: string | undefined): api.Attributes {
    const id = errorType === undefined ? operation : `${operation} ${errorType}`;
    const known = this.#ofRequests.get(id);
    if (known) return known;
    const attributes = {
      ...this.#attributes,
      ...{ 'db.operation.name': operation },
      ...(errorType !== undefined && { 'error.type': errorType }),
    };
    this.#ofRequests.set(id, attributes);
    return attributes;
  }
}
