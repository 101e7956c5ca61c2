/** Green means that a state store has answered, not that there is a broker. */
import assert from 'node:assert/strict';
import { StateStoreClient } from '../../src/index';
import { StorePresence } from '../../src/node-red/store/store-presence';
import { ByteBroker } from '../support/byte-broker';
import { Flow } from '../support/flow';
import { type ScriptedStore, startScriptedStore } from '../support/scripted-store';

describe('A store that does not answer', () => {
  let server: ScriptedStore;
  let flow: Flow;

  beforeEach(async () => {
    server = await startScriptedStore();
    server.answersAlone = true;
  });
  afterEach(async () => {
    await flow.stop();
    await server.close();
  });

  const greens = () => flow.statuses.filter(({ fill }) => fill === 'green');

  it('is not green, and is asked again until it answers', async () => {
    server.answer = () => undefined;
    flow = await Flow.start(server.port, { type: 'statestore-get', key: 'k' }, { timeout: 0.2 });
    await flow.status('status.reason.noStateStoreAnswer');
    assert.deepEqual(greens(), []);
    server.answer = ({ respond }) => respond('$-1\r\n');
    await flow.status('status.connected');
  });

  it('to this one request, but to others, is there', async () => {
    server.answer = ({ command, respond }) => {
      if ('key' in command && command.key.toString() === 'k') respond('$1\r\nv\r\n');
    };
    flow = await Flow.start(server.port, { type: 'statestore-get', key: 'k' }, { timeout: 1 });
    assert.equal((await flow.send({})).kind, 'sent');
    await flow.status('status.connected');
    assert.ok(flow.statuses.every(({ fill }) => fill !== 'red'));
  });

  it('but refuses to, is there: it is a store', async () => {
    server.answer = ({ respond }) => respond('-ERR not authorized\r\n');
    flow = await Flow.start(server.port, { type: 'statestore-get', key: 'k' });
    await flow.status('status.connected');
  });

  it('with anything a state store says, is none', async () => {
    server.answer = ({ respond }) => respond('hello');
    flow = await Flow.start(server.port, { type: 'statestore-get', key: 'k' });
    await flow.status('status.reason.noStateStore');
    assert.deepEqual(greens(), []);
  });
});

/** What a store at this port is found to be, within a timeout of 200 ms. */
async function foundAt(port: number): Promise<{ found: StorePresence['found']; client: StateStoreClient }> {
  const client = new StateStoreClient({ host: '127.0.0.1', port, clientId: 'deaf', timeout: 200 });
  const found = await new Promise<StorePresence['found']>((resolve) => {
    const presence = new StorePresence(
      client,
      () => 'broker:1',
      () => resolve(presence.found),
    );
    client.on('state', ({ kind }) => (kind === 'connected' ? presence.connected() : presence.lost()));
    client.open();
  });
  return { found, client };
}

describe('A broker that sends nothing after the login', () => {
  it('is reported as a broker that does not respond, not as one without a store', async () => {
    const broker = new ByteBroker();
    const { found, client } = await foundAt(await broker.listen());
    assert.ok(found && found !== 'there');
    assert.equal(found.reason, 'noAnswer');
    assert.match(found.message, /^The broker at broker:1 has sent nothing for 200 ms\. Check the network/);
    await broker.close();
    await client.close();
  });
});

describe('A store of which nothing has been heard', () => {
  it('is reported with the topic that the rules of the broker must deliver', async () => {
    const server = await startScriptedStore();
    server.answersAlone = true;
    server.answer = () => undefined;
    const { found, client } = await foundAt(server.port);
    assert.ok(found && found !== 'there');
    assert.equal(found.reason, 'noStateStoreAnswer');
    assert.match(
      found.message,
      /^The broker at broker:1 responds, but the state store does not\. Check .* the topic clients\/deaf\/services\//,
    );
    await client.close();
    await server.close();
  });
});
