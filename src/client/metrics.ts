/**
 * Counters of one client. Names and units follow OpenTelemetry's semantic conventions for database clients
 * (`db.client.operation.duration`, in seconds). Keys are never part of a metric.
 */
import type { Operation } from '../errors';

/** The value of `db.system.name`, for metrics of every kind. */
export const DB_SYSTEM_NAME = 'azure_iot_operations_state_store';

/** Upper bounds of the histogram, in seconds. A further bucket counts everything above. */
export const DURATION_BOUNDS_S: readonly number[] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const BOUNDS_MS = DURATION_BOUNDS_S.map((seconds) => seconds * 1000);

/** Requests of one operation with one outcome. */
export interface RequestMetrics {
  /** The operation. */
  operation: Operation;
  /** Code of the error. Absent for requests that succeeded. */
  errorType?: string;
  /** Number of requests. */
  count: number;
  /** Sum of the durations, in seconds. */
  sumSeconds: number;
  /** Number of requests up to 1, 5, 10, 50, 100 and 500 ms, 1, 5 and 10 s, and above. Not cumulative. */
  buckets: readonly number[];
}

/** A snapshot of the counters of a client. */
export interface ClientMetrics {
  /** Requests that have an outcome. */
  requests: RequestMetrics[];
  /** Requests that wait to be published. */
  waiting: number;
  /** Requests that were published and have no outcome yet. */
  inFlight: number;
  /** Keys that are observed. */
  observed: number;
  /** Whether there is a connection. */
  connected: boolean;
  /** Connections that were made so far. More than one means that the client reconnected. */
  connections: number;
  /** Publishes that the broker rejected, by the reason code of the PUBACK. */
  rejected: ReadonlyMap<number, number>;
  /**
   * How far the clock of the store is ahead of the clock of this machine, in milliseconds, at the last write. About 0 if it is behind, since a
   * version is never older than its request. Absent before the first write.
   */
  clockOffsetMs?: number;
  /** When the token of the login expires, in milliseconds since 1970. Absent if there is no token, or if it is not a JWT. */
  tokenExpiresAt?: number;
}

/** Another place that gets what is counted, at the moment when it is counted. */
export interface MetricsReporter {
  finished(operation: Operation, errorType: string | undefined, durationMs: number): void;
  rejected(reasonCode: number): void;
  connected(): void;
}

interface Counted {
  count: number;
  sumMs: number;
  buckets: number[];
}

/** Counts requests. Costs one look-up and one addition for each. */
export class MetricsCounter {
  readonly #succeeded = new Map<Operation, Counted>();
  readonly #failed = new Map<string, Counted>();
  readonly #rejected = new Map<number, number>();
  readonly #reporter: MetricsReporter | undefined;
  #connections = 0;

  constructor(reporter?: MetricsReporter) {
    this.#reporter = reporter;
  }

  succeeded(operation: Operation, durationMs: number): void {
    add(countedIn(this.#succeeded, operation), durationMs);
    this.#reporter?.finished(operation, undefined, durationMs);
  }

  failed(operation: Operation, errorType: string, durationMs: number): void {
    add(countedIn(this.#failed, `${operation} ${errorType}`), durationMs);
    this.#reporter?.finished(operation, errorType, durationMs);
  }

  rejected(reasonCode: number): void {
    this.#rejected.set(reasonCode, (this.#rejected.get(reasonCode) ?? 0) + 1);
    this.#reporter?.rejected(reasonCode);
  }

  connected(): void {
    this.#connections++;
    this.#reporter?.connected();
  }

  snapshot(): Pick<ClientMetrics, 'requests' | 'connections' | 'rejected'> {
    const requests: RequestMetrics[] = [];
    for (const [operation, counted] of this.#succeeded) requests.push({ operation, ...shown(counted) });
    for (const [id, counted] of this.#failed) {
      const [operation, errorType] = id.split(' ') as [Operation, string];
      requests.push({ operation, errorType, ...shown(counted) });
    }
    return { requests, connections: this.#connections, rejected: new Map(this.#rejected) };
  }
}

function countedIn<Id>(all: Map<Id, Counted>, id: Id): Counted {
  const existing = all.get(id);
  if (existing) return existing;
  const counted = { count: 0, sumMs: 0, buckets: new Array<number>(BOUNDS_MS.length + 1).fill(0) };
  all.set(id, counted);
  return counted;
}

function add(counted: Counted, durationMs: number): void {
  counted.count++;
  counted.sumMs += durationMs;
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && durationMs > (BOUNDS_MS[bucket] as number)) bucket++;
  counted.buckets[bucket] = (counted.buckets[bucket] as number) + 1;
}

function shown({ count, sumMs, buckets }: Counted): Pick<RequestMetrics, 'count' | 'sumSeconds' | 'buckets'> {
  return { count, sumSeconds: sumMs / 1000, buckets: [...buckets] };
}
