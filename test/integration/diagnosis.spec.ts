import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { type Diagnosis, diagnose, StateStoreClient, type StateStoreClientOptions } from '../../src/index';
import { formatHlc } from '../../src/protocol/hlc';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { freePort } from '../support/ports';
import { startScriptedStore } from '../support/scripted-store';

/** Which steps passed, and why the last one did not. */
const summary = ({ results }: Diagnosis) => ({
  passed: results.filter(({ ok }) => ok).map(({ step }) => step),
  failed: results.filter(({ ok }) => !ok).map(({ step, reason }) => `${step}: ${reason}`),
});

describe('Testing a connection reports each step', () => {
  const LOCAL = { host: '127.0.0.1' };

  it('everything works, with the round trip', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const diagnosis = await diagnose({ ...LOCAL, port: emulator.port });
    assert.deepEqual(summary(diagnosis), {
      passed: ['settings', 'network', 'login', 'subscription', 'store'],
      failed: [],
    });
    assert.ok((diagnosis.roundTrip as number) > 0);
    assert.equal(emulator.keys, 0, 'it writes nothing');
    await emulator.close();
  });

  it('does not disturb a client with the same client ID', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const client = new StateStoreClient({ ...LOCAL, port: emulator.port, clientId: 'line-1' });
    await client.connect();
    assert.deepEqual(
      summary(await diagnose({ ...LOCAL, port: emulator.port, clientId: 'line-1' })).failed,
      [],
    );
    assert.equal(client.state.kind, 'connected');
    await client.close();
    await emulator.close();
  });

  const cases: [string, () => Promise<StateStoreClientOptions>, string[], string][] = [
    ['wrong settings', async () => ({ port: 0 }), [], 'settings: BAD_ARGUMENT'],
    [
      'a file that is not there',
      async () => ({ tls: { caFile: '/no/such/file' } }),
      [],
      'settings: fileUnreadable',
    ],
    [
      'a name that is not found',
      async () => ({ host: 'no-such-host.invalid' }),
      ['settings'],
      'network: hostNotFound',
    ],
    [
      'nothing that listens',
      async () => ({ ...LOCAL, port: await freePort() }),
      ['settings'],
      'network: nothingListens',
    ],
  ];
  for (const [name, options, passed, failed] of cases) {
    it(name, async () => {
      const diagnosis = await diagnose(await options());
      assert.deepEqual(summary(diagnosis), { passed, failed: [failed] });
      assert.match(diagnosis.results.at(-1)?.message ?? '', /\.$/);
    });
  }

  it('clocks that differ', async () => {
    const server = await startScriptedStore();
    const version = formatHlc({ wallClockMs: Date.now() + 600_000, counter: 0, nodeId: 'store' });
    server.answer = ({ respond }) => respond('$-1\r\n', { userProperties: { __ts: version } });
    const { passed, failed } = summary(await diagnose({ ...LOCAL, port: server.port }));
    assert.deepEqual([passed.at(-1), failed], ['subscription', ['store: TIMESTAMP_SKEW']]);
    await server.close();
  });

  describe('with Mosquitto', () => {
    let mosquitto: Mosquitto;
    before(function () {
      requireProgram(this, 'mosquitto');
    });
    afterEach(() => mosquitto?.stop());

    it('a broker without a state store', async () => {
      mosquitto = await startMosquitto();
      const diagnosis = await diagnose({ ...LOCAL, port: mosquitto.port });
      assert.deepEqual(summary(diagnosis).failed, ['store: REFUSED']);
      assert.match(diagnosis.results.at(-1)?.message ?? '', /There is no state store on this broker/);
    });

    it('a login that is refused', async () => {
      mosquitto = await startMosquitto('allow_anonymous false');
      const { passed, failed } = summary(await diagnose({ ...LOCAL, port: mosquitto.port }));
      assert.deepEqual([passed, failed], [['settings', 'network'], ['login: notAuthorized']]);
    });

    it('TLS where there is none', async () => {
      mosquitto = await startMosquitto();
      const { passed, failed } = summary(await diagnose({ ...LOCAL, port: mosquitto.port, tls: true }));
      assert.deepEqual([passed, failed], [['settings', 'network'], ['tls: tlsFailed']]);
    });
  });
});
