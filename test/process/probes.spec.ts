/** The probes of a real Node-RED in each situation. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator';
import { EmulatorProcess } from '../support/emulator-process';
import { requireProgram, startMosquitto } from '../support/mosquitto';
import { NodeRed, newUserDir, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';
import { serveStore } from '../support/store-adapter';

interface Details {
  ready: boolean;
  problems: { part: string; problem: string }[];
  roles: { role: string; active: boolean; since: string }[];
}

describe('The probes of Node-RED', () => {
  let emulator: Emulator;
  let port: number;
  let nodeRed: NodeRed | undefined;

  const flows = (more: object[] = []) => [
    { id: 'tab', type: 'tab', label: 'Line 1' },
    { id: 'plant', type: 'statestore-config', name: 'Plant', host: '127.0.0.1', port: String(port) },
    { id: 'get', type: 'statestore-get', z: 'tab', store: 'plant', key: 'k', keyType: 'str', wires: [[]] },
    {
      id: 'role',
      type: 'statestore-leader',
      z: 'tab',
      store: 'plant',
      role: 'role/line1',
      lease: '2',
      wires: [[]],
    },
    ...more,
  ];

  const status = async (path: string, base = nodeRed?.base) => (await fetch(`${base}${path}`)).status;
  const details = () => (nodeRed as NodeRed).api<Details>('GET', '/statestore/readiness');

  /** Resolves when the probe has this status. */
  const becomes = async (expected: number) => {
    for (;;) {
      const seen = nodeRed?.lines.all.length ?? 0;
      if ((await status('/statestore/ready')) === expected) return;
      await Promise.race([nodeRed?.lines.find(/./, seen), new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  };

  beforeEach(async () => {
    emulator = await Emulator.start({ port: 0 });
    port = emulator.port;
  });

  afterEach(async () => {
    await nodeRed?.stop();
    nodeRed = undefined;
    await emulator.close();
  });

  it('respond also if the token for metrics is too short, which only the log says', async () => {
    nodeRed = await NodeRed.start({ settings: { statestore: { metricsToken: '' } } });
    assert.equal(await status('/statestore/live'), 200);
    assert.equal(await status('/statestore/ready'), 200);
    assert.ok(
      nodeRed.lines.all.some((line) => /statestore\.metricsToken must be text of at least 16/.test(line)),
    );
  });

  it('give the reason if the settings of a store are wrong', async () => {
    nodeRed = await NodeRed.start();
    await nodeRed.deploy(flows().map((node) => ('port' in node ? { ...node, port: '99999' } : node)));
    await becomes(503);
    assert.match((await details()).problems[0]?.problem ?? '', /99999/);
  });

  it('are not ready while a store is away that only function nodes use', async () => {
    const source = JSON.stringify(join(ROOT, 'dist', 'src', 'node-red', 'function'));
    nodeRed = await NodeRed.start({ functionGlobalContext: `{ statestore: require(${source}) }` });
    await nodeRed.deploy([
      ...flows().slice(0, 2),
      {
        ...{ id: 'work', type: 'function', z: 'tab', name: '', outputs: 1, func: '', wires: [[]] },
        initialize: `node.warn('GOT ' + await global.get('statestore')('Plant').get('k'));`,
      },
    ]);
    await nodeRed.lines.find(/GOT undefined/);
    await becomes(200);
    await emulator.close();
    await becomes(503);
    assert.equal((await details()).problems[0]?.part, 'store Plant');
  });

  it('are ready when flows run and the store answers, and not while the store is away', async () => {
    nodeRed = await NodeRed.start();
    assert.equal(await status('/statestore/ready'), 200, 'without a store nothing is missing');
    await nodeRed.deploy(flows());
    await becomes(200);
    assert.equal(await status('/statestore/live'), 200);
    await emulator.close();
    await becomes(503);
    assert.equal(
      await status('/statestore/live'),
      200,
      'a store that is away is no reason to restart Node-RED',
    );
    const { problems } = await details();
    assert.equal(problems[0]?.part, 'store Plant');
    assert.match(problems[0]?.problem ?? '', /127\.0\.0\.1/);
    emulator = await Emulator.start({ port });
    await becomes(200);
  });

  it('are not ready while the store does not respond on a connection that seems to work', async () => {
    const frozen = await EmulatorProcess.start('recognised');
    nodeRed = await NodeRed.start();
    port = frozen.port;
    await nodeRed.deploy(flows().slice(0, 3));
    await becomes(200);
    frozen.freeze();
    await becomes(503);
    assert.equal(await status('/statestore/live'), 200);
    frozen.thaw();
    await becomes(200);
    await frozen.kill();
  });

  it('are not ready while the broker works and its state store is gone', async function () {
    requireProgram(this, 'mosquitto');
    const mosquitto = await startMosquitto('allow_anonymous true');
    const store = await serveStore({ port: mosquitto.port });
    nodeRed = await NodeRed.start();
    port = mosquitto.port;
    await nodeRed.deploy(
      flows()
        .slice(0, 3)
        .map((node) => ({ ...node, timeout: '1' })),
    );
    await becomes(200);
    await store.close();
    await becomes(503);
    assert.match((await details()).problems[0]?.problem ?? '', /but the state store does not/);
    await mosquitto.stop();
  });

  it('are not ready while a module that the flows need is missing', async () => {
    nodeRed = await NodeRed.start();
    await nodeRed.api('POST', '/flows', [
      ...flows(),
      { id: 'missing', type: 'of-no-module', z: 'tab', wires: [[]] },
    ]);
    await becomes(503);
  });

  it('are not ready while the flows are stopped', async () => {
    nodeRed = await NodeRed.start({ settings: { runtimeState: { enabled: true, ui: true } } });
    await nodeRed.deploy(flows());
    await becomes(200);
    await nodeRed.api('POST', '/flows/state', { state: 'stop' });
    await becomes(503);
    assert.equal((await details()).problems[0]?.part, 'flows');
    await nodeRed.api('POST', '/flows/state', { state: 'start' });
    await becomes(200);
  });

  it('need the shared context and the flows in the store as well', async () => {
    const options = `{ host: '127.0.0.1', port: ${port} }`;
    const source = (part: string) => JSON.stringify(join(ROOT, 'dist', 'src', part));
    nodeRed = await NodeRed.start({
      userDir: newUserDir(),
      storageModule: `require(${source('storage')})(${options})`,
      contextStorage: `{ default: 'shared', shared: { module: require(${source('context')}), config: ${options} } }`,
    });
    await becomes(200);
    await emulator.close();
    await becomes(503);
    const parts = (await details()).problems.map(({ part }) => part);
    assert.deepEqual(parts.sort(), ['flows in the state store', 'shared context']);
  });

  it('report the roles of this instance, with the time of the last change', async () => {
    nodeRed = await NodeRed.start();
    await nodeRed.deploy(flows());
    await nodeRed.lines.find(/Active for the role/);
    const { roles } = await details();
    assert.equal(roles.length, 1);
    assert.deepEqual({ ...roles[0], since: '' }, { role: 'role/line1', active: true, since: '' });
    assert.ok(Date.parse(roles[0]?.since ?? '') > 0);
    await nodeRed.deploy(flows().slice(0, 3));
    assert.deepEqual((await details()).roles, []);
  });

  it('name no store without a permission', async () => {
    nodeRed = await NodeRed.start({
      settings: { adminAuth: { type: 'credentials', users: [] } },
    });
    const response = await fetch(`${nodeRed.base}/statestore/ready`);
    assert.deepEqual(await response.json(), { ready: true });
    assert.equal(await status('/statestore/readiness'), 401);
  });

  it('are served at a port of their own, or below httpNodeRoot, if the settings say so', async () => {
    const own = await freePort();
    nodeRed = await NodeRed.start({ settings: { statestore: { probes: { port: own } } } });
    assert.equal(await status('/statestore/ready', `http://127.0.0.1:${own}`), 200);
    assert.equal(await status('/elsewhere', `http://127.0.0.1:${own}`), 404);
    assert.equal(await status('/statestore/ready'), 404);
    await nodeRed.stop();
    nodeRed = await NodeRed.start({
      settings: { httpAdminRoot: '/admin', httpNodeRoot: '/api', statestore: { probes: 'node' } },
    });
    assert.equal(await status('/api/statestore/ready'), 200);
  });

  it('are served at a port of their own if the admin server is off', async () => {
    const own = await freePort();
    nodeRed = await NodeRed.start({
      settings: { httpAdminRoot: false, statestore: { probes: { port: own } } },
    });
    assert.equal(await status('/statestore/ready', `http://127.0.0.1:${own}`), 200);
    assert.equal(await status('/statestore/metrics', `http://127.0.0.1:${own}`), 404, 'without a token');
  });

  it('say in the log that they are nowhere, if the settings switch their server off', async () => {
    nodeRed = await NodeRed.start({ settings: { httpNodeRoot: false, statestore: { probes: 'node' } } });
    await nodeRed.lines.find(/The probes of the state store .*httpNodeRoot is false/);
    await nodeRed.stop();
    nodeRed = await NodeRed.start({ settings: { httpAdminRoot: false, statestore: { probes: 'admin' } } });
    await nodeRed.lines.find(/The probes of the state store .*httpAdminRoot is false/);
  });

  it('have no series twice, even if stores and roles have the same names', async () => {
    nodeRed = await NodeRed.start();
    const second = [
      { id: 'plant2', type: 'statestore-config', name: 'Plant', host: '127.0.0.1', port: String(port) },
      {
        id: 'get2',
        type: 'statestore-get',
        z: 'tab',
        store: 'plant2',
        key: 'k',
        keyType: 'str',
        wires: [[]],
      },
      { id: 'role2', type: 'statestore-leader', z: 'tab', store: 'plant2', role: 'role/line1', wires: [[]] },
    ];
    await nodeRed.deploy(flows(second));
    await becomes(200);
    const text = await (await fetch(`${nodeRed.base}/statestore/metrics`)).text();
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const names = series.map((line) => line.replace(/ \S+$/, ''));
    assert.deepEqual(
      names.filter((name, i) => names.indexOf(name) !== i),
      [],
    );
    assert.match(text, /store="Plant \(plant2\)"/);
  });

  it('serve the metrics to users and to requests with the token', async () => {
    const metricsToken = 'a-token-of-enough-characters';
    nodeRed = await NodeRed.start({
      settings: { adminAuth: { type: 'credentials', users: [] }, statestore: { metricsToken } },
    });
    const metrics = (authorization?: string) =>
      fetch(`${nodeRed?.base}/statestore/metrics`, { headers: { ...(authorization && { authorization }) } });
    assert.equal((await metrics()).status, 401);
    assert.equal((await metrics('Bearer another-token-of-characters')).status, 401);
    const response = await metrics(`Bearer ${metricsToken}`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  });

  it('count the requests of a flow, without its keys', async () => {
    nodeRed = await NodeRed.start();
    await nodeRed.deploy(
      flows([
        {
          ...{ id: 'start', type: 'inject', z: 'tab', once: true, onceDelay: '0.1', repeat: '', props: [] },
          wires: [['get']],
        },
      ]),
    );
    await becomes(200);
    const text = await (await fetch(`${nodeRed.base}/statestore/metrics`)).text();
    assert.match(text, /statestore_connected\{[^}]*store="Plant"[^}]*\} 1/);
    assert.match(text, /db_client_operation_duration_seconds_count\{[^}]*db_operation_name="get"\} [1-9]/);
    assert.doesNotMatch(text, /is-there-a-store/);
  });

  it('say in the log which setting is wrong', async () => {
    nodeRed = await NodeRed.start({ settings: { statestore: { probes: 'somewhere' } } });
    await nodeRed.lines.find(/The setting statestore\.probes is "somewhere", but must be/);
  });
});
