import assert from 'node:assert/strict';
import { readMetricsToken, readProbePlace } from '../../../src/node-red/health/probe-settings';
import { readinessOf } from '../../../src/node-red/health/readiness';

describe('Readiness', () => {
  const roles = [{ role: 'role/line1', active: false, since: '2026-01-01T00:00:00.000Z' }];

  it('needs running flows and an answer from every store, and no active role', () => {
    const parts = [{ name: 'store Plant', problem: undefined }];
    assert.deepEqual(readinessOf({ flowsStarted: true, parts, roles }), { ready: true, problems: [], roles });
    assert.equal(readinessOf({ flowsStarted: true, parts: [], roles: [] }).ready, true);
  });

  it('names each part that is missing', () => {
    const parts = [
      { name: 'shared context', problem: 'Connection refused.' },
      { name: 'store Plant', problem: undefined },
    ];
    const { ready, problems } = readinessOf({ flowsStarted: false, parts, roles });
    assert.equal(ready, false);
    assert.deepEqual(
      problems.map(({ part }) => part),
      ['flows', 'shared context'],
    );
  });
});

describe('The place of the probes', () => {
  it('is the admin server unless the settings name another one', () => {
    assert.equal(readProbePlace(undefined), 'admin');
    assert.equal(readProbePlace({}), 'admin');
    assert.equal(readProbePlace({ probes: 'node' }), 'node');
    assert.deepEqual(readProbePlace({ probes: { port: 1882 } }), { host: '127.0.0.1', port: 1882 });
    assert.equal(readMetricsToken({ metricsToken: 'x'.repeat(16) }), 'x'.repeat(16));
    assert.equal(readMetricsToken({}), undefined);
  });

  it('is refused with the name of the setting if it is not one of these', () => {
    for (const probes of ['http', 7, {}, { port: 0 }, { port: '1882' }, { port: 1882, host: '' }])
      assert.throws(() => readProbePlace({ probes }), /statestore\.probes/);
    for (const metricsToken of ['short', 7, ''])
      assert.throws(() => readMetricsToken({ metricsToken }), /statestore\.metricsToken/);
  });
});
