import assert from 'node:assert/strict';
import parse from 'parse-prometheus-text-format';
import { MetricsCounter } from '../../../src/client/metrics';
import { metricFamilies } from '../../../src/node-red/health/metrics';
import { formatMetrics } from '../../../src/node-red/health/prometheus';

describe('Metrics in the text format of Prometheus', () => {
  const counter = new MetricsCounter();
  counter.succeeded('get', 0.4);
  counter.succeeded('get', 7);
  counter.failed('set', 'TIMEOUT', 20_000);
  counter.rejected(0x97);
  counter.connected();
  const metrics = {
    ...counter.snapshot(),
    ...{ waiting: 1, inFlight: 2, observed: 3, connected: true, clockOffsetMs: 1500, tokenExpiresAt: 61_000 },
  };
  const roles = [{ role: 'line"1\\', active: true, since: '' }];
  const clients = [
    { store: 'Plant\nstore', metrics, locks: { held: 2, waiting: 5 } },
    { store: 'shared context', metrics, locks: { held: 0, waiting: 0 }, writes: { pending: 3, failed: 4 } },
  ];
  const text = formatMetrics(metricFamilies(clients, roles, 1000));
  const families = new Map(parse(text).map((family) => [family.name, family]));

  it('are read by a parser, with every family', () => {
    assert.deepEqual([...families.keys()].sort(), [
      'db_client_operation_duration_seconds',
      'statestore_clock_offset_seconds',
      'statestore_connected',
      'statestore_connections_total',
      'statestore_context_writes_failed_total',
      'statestore_context_writes_pending',
      'statestore_keys_observed',
      'statestore_lock_requests_waiting',
      'statestore_locks_held',
      'statestore_publishes_rejected_total',
      'statestore_requests_in_flight',
      'statestore_requests_waiting',
      'statestore_role_active',
      'statestore_token_expiry_seconds',
    ]);
  });

  it('have each series once, also for stores with odd names', () => {
    const named = [
      ...[
        { store: 'Twin', id: 'a' },
        { store: 'Twin', id: 'b' },
        { store: 'Twin (a)', id: 'c' },
      ],
      ...[
        { store: 'shared context', id: 'd' },
        { store: 'shared context' },
        { store: 'shared context (2)', id: 'e' },
      ],
    ].map((one) => ({ ...one, metrics, locks: { held: 0, waiting: 0 } }));
    const lines = formatMetrics(metricFamilies(named, [], 1000)).split('\n');
    const series = lines.filter((line) => line.startsWith('statestore_connected{'));
    assert.equal(new Set(series).size, named.length, series.join('\n'));
  });

  it('have cumulative buckets, the sum in seconds and the code of the error', () => {
    const name = 'db_client_operation_duration_seconds';
    const value = (line: string) => {
      const found = text.split('\n').find((one) => one.startsWith(`${name}_${line} `));
      return found === undefined ? undefined : Number(found.split(' ').at(-1));
    };
    const labels = 'db_system_name="azure_iot_operations_state_store",store="Plant\\nstore"';
    const got = `${labels},db_operation_name="get"`;
    const failed = `${labels},db_operation_name="set",error_type="TIMEOUT"`;
    assert.deepEqual(
      ['0.001', '0.005', '0.01', '+Inf'].map((le) => value(`bucket{${got},le="${le}"}`)),
      [1, 1, 2, 2],
    );
    assert.deepEqual([value(`count{${got}}`), value(`sum{${got}}`)?.toFixed(4)], [2, '0.0074']);
    assert.deepEqual(
      ['10', '+Inf'].map((le) => value(`bucket{${failed},le="${le}"}`)),
      [0, 1],
    );
  });

  it('count locks of every store, and writes of the shared context only', () => {
    const values = (name: string) =>
      families.get(name)?.metrics.map(({ labels, value }) => [labels?.store, value]);
    assert.deepEqual(values('statestore_locks_held'), [
      ['Plant\nstore', '2'],
      ['shared context', '0'],
    ]);
    assert.deepEqual(values('statestore_lock_requests_waiting'), [
      ['Plant\nstore', '5'],
      ['shared context', '0'],
    ]);
    assert.deepEqual(values('statestore_context_writes_pending'), [['shared context', '3']]);
    assert.deepEqual(values('statestore_context_writes_failed_total'), [['shared context', '4']]);
  });

  it('count back-pressure from 0 on, so that the first publishes that a broker rejects change a rate', () => {
    const unused = { ...metrics, rejected: new Map<number, number>() };
    const [store] = clients;
    assert.ok(store);
    const idle = parse(formatMetrics(metricFamilies([{ ...store, metrics: unused }], [], 0)));
    const rejected = idle.find(({ name }) => name === 'statestore_publishes_rejected_total');
    assert.deepEqual(
      rejected?.metrics.map(({ labels, value }) => [labels?.reason_code, value]),
      [['0x97', '0']],
    );
    assert.equal(families.get('statestore_publishes_rejected_total')?.metrics[0]?.value, '1');
  });

  it('have units of seconds, and labels that are escaped', () => {
    const value = (name: string) => families.get(name)?.metrics[0]?.value;
    assert.deepEqual(
      [value('statestore_clock_offset_seconds'), value('statestore_token_expiry_seconds')],
      ['1.5', '60'],
    );
    assert.equal(
      families.get('statestore_publishes_rejected_total')?.metrics[0]?.labels?.reason_code,
      '0x97',
    );
    assert.match(text, /store="Plant\\nstore"/);
    assert.match(text, /role="line\\"1\\\\"/);
  });
});
