import assert from 'node:assert/strict';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { rejectsWith } from '../support/assertions';
import { Flow } from '../support/flow';

describe('Two clients with one client ID', () => {
  let emulator: Emulator;
  let other: StateStoreClient;
  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    other = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, clientId: 'shared' });
  });
  afterEach(async () => {
    await other.close();
    await emulator.close();
  });

  it('do not fight: the first one stops and says why, at once, for every request', async () => {
    const first = new StateStoreClient({ host: '127.0.0.1', port: emulator.port, clientId: 'shared' });
    await first.connect();
    const stopped = new Promise<void>((resolve) =>
      first.on('state', ({ kind }) => kind === 'stopped' && resolve()),
    );
    await other.connect();
    await stopped;
    const begin = Date.now();
    await rejectsWith(first.set('k', 'v'), {
      code: 'NOT_CONNECTED',
      message:
        /session taken over \(0x8e\); key .* was not .*, and nothing was sent\. Another client uses the same client ID, so this client does not reconnect/,
    });
    await rejectsWith(first.connect(), { code: 'REFUSED', message: /same client ID/ });
    assert.ok(Date.now() - begin < 9000, 'it does not wait for a timeout');
    assert.equal((await other.set('k', 'v')).stored, true);
    assert.equal(other.state.kind, 'connected');
    await first.close();
  });

  it('show it in red on the canvas', async () => {
    const flow = await Flow.start(
      emulator.port,
      { type: 'statestore-set', key: 'k' },
      { clientId: 'shared' },
    );
    await flow.status('status.connected');
    const clients: number[] = [];
    emulator.on('change', () => clients.push(emulator.clients));
    await other.connect();
    const status = (await flow.status('status.reason.takenOver')) as { fill: string };
    assert.equal(status.fill, 'red');
    const outcome = await flow.send({ payload: 1 });
    assert.ok(outcome.kind === 'failed' && /same client ID/.test(outcome.message));
    await flow.stop();
    assert.equal(
      flow.statuses.filter((one) => JSON.stringify(one).includes('connecting')).length <= 1,
      true,
      'it does not loop',
    );
  });

  it('are not made by leaving the client ID blank', async () => {
    const clients = [1, 2].map(() => new StateStoreClient({ host: '127.0.0.1', port: emulator.port }));
    await Promise.all(clients.map((client) => client.connect()));
    assert.notEqual(clients[0]?.clientId, clients[1]?.clientId);
    assert.equal(emulator.clients, 2);
    await Promise.all(clients.map((client) => client.close()));
  });
});
