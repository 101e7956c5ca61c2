/** A store whose place is the emulator: it is there without a node for it, wherever there is room. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/index';
import { StateStoreClient } from '../../src/index';
import { Admin } from '../support/admin';
import { loadExample } from '../support/examples';
import { type Mosquitto, requireProgram, startMosquitto } from '../support/mosquitto';
import { NodeRed, newUserDir } from '../support/node-red';
import { freePort, portIsFree } from '../support/ports';

const AT = { z: 'tab', x: 100, y: 100 };
const TAB = { id: 'tab', type: 'tab', label: 'test' };
const RULES = `users:\n  - { username: line, password: secret }
spec: { authorizationPolicies: { rules: [{ principals: { usernames: [line] },
  stateStoreResources: [{ method: ReadWrite, keyType: Pattern, keys: ["*"] }] }] } }\n`;

/** A store, and a get node of it; the get node is named after the store. */
const store = (id: string, port: number, more: object = {}) => [
  { id, type: 'statestore-config', place: 'emulator', source: 'settings', host: 'localhost', port, ...more },
  {
    id: `get-${id}`,
    type: 'statestore-get',
    store: id,
    key: 'k',
    keyType: 'str',
    outputs: 1,
    wires: [[]],
    ...AT,
  },
];
const emulatorNode = (port: number, more: object = {}) => ({
  ...{ id: 'emulator', type: 'statestore-emulator', port, host: '127.0.0.1', ...AT },
  ...more,
});

describe('A store at the place Emulator, in a real Node-RED', () => {
  let nodeRed: NodeRed;
  let editor: Admin;

  before(async () => {
    nodeRed = await NodeRed.start();
    editor = Admin.anonymous(nodeRed);
    await editor.connect();
  });
  after(async () => {
    editor.disconnect();
    await nodeRed.stop();
  });

  /** Resolves when the node shows this status. Only statuses from `after` on count. */
  const shows = (id: string, text: string, after = 0) =>
    editor.until((told) =>
      told.slice(after).some(({ topic, data }) => topic === `status/${id}` && data.text === text),
    );
  /** Deploys, and resolves with the number of earlier messages to an open editor. */
  const deploy = async (...nodes: object[]) => {
    const before = editor.told.length;
    await nodeRed.deploy([TAB, ...nodes]);
    return before;
  };
  const using = async <T>(port: number, use: (client: StateStoreClient) => Promise<T>) => {
    const client = new StateStoreClient({ port });
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };

  it('has one started for it, which other stores and emulator nodes share, and which ends with them', async () => {
    const port = await freePort();
    let after = await deploy(...store('a', port), ...store('b', port));
    await shows('get-a', 'connected: emulator', after);
    await shows('get-b', 'connected: emulator', after);
    await using(port, (client) => client.set('k', 'v'));
    after = await deploy(...store('a', port), emulatorNode(port));
    await shows('get-a', 'connected: emulator', after);
    await shows('emulator', '1 client, 1 key', after);
    await deploy(emulatorNode(port));
    await deploy();
    assert.ok(await portIsFree(port));
  });

  it('keeps what it holds over deploys, until the store is deleted', async () => {
    const port = await freePort();
    await shows('get-a', 'connected: emulator', await deploy(...store('a', port)));
    await using(port, (client) => client.set('k', 'v'));
    await shows('get-a', 'connected: emulator', await deploy(...store('a', port)));
    assert.ok((await using(port, (client) => client.get('k'))).found);
    await deploy();
    await shows('get-a', 'connected: emulator', await deploy(...store('a', port)));
    assert.ok(!(await using(port, (client) => client.get('k'))).found);
  });

  it('keeps its keys in a file over a restart of Node-RED, also after SIGKILL, if it is to', async () => {
    const [port, plain] = [await freePort(), await freePort()];
    const userDir = newUserDir();
    const flows = [TAB, ...store('a', port, { keep: true }), ...store('b', plain)];
    const found = async () => [
      (await using(port, (client) => client.get('k'))).found,
      (await using(plain, (client) => client.get('k'))).found,
    ];
    try {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        const first = await NodeRed.start({ userDir });
        await first.deploy(flows);
        for (const each of [port, plain]) await using(each, (client) => client.set('k', signal));
        await first.end(signal);
        const second = await NodeRed.start({ userDir });
        assert.deepEqual(await found(), [true, false], signal);
        await second.end('SIGTERM');
      }
      assert.deepEqual(readdirSync(join(userDir, 'statestore')), [`emulator-${port}.store`]);
    } finally {
      rmSync(userDir, { recursive: true });
    }
  });

  it('uses the state store that is there already, and starts one when that is gone', async () => {
    const emulator = await Emulator.start({ port: 0 });
    const { port } = emulator;
    await using(port, (client) => client.set('k', 'v'));
    const after = await deploy(...store('a', port));
    await shows('get-a', 'connected: emulator', after);
    assert.equal(emulator.clients, 1);
    const before = editor.told.length;
    await emulator.close();
    await shows('get-a', 'connected: emulator', before);
    assert.ok(!(await using(port, (client) => client.get('k'))).found);
  });

  it('gives way to an emulator node with rules, which keeps what is stored', async () => {
    const port = await freePort();
    await shows('get-a', 'connected: emulator', await deploy(...store('a', port)));
    await using(port, (client) => client.set('k', 'v'));
    const added = emulatorNode(port, { rules: RULES });
    const before = editor.told.length;
    await nodeRed.deploy([TAB, ...store('a', port), added], 'nodes');
    await shows('emulator', '0 clients, 1 key', before);
    await shows('get-a', 'login failed', before);
  });

  it('moves to the next port where something listens that is no state store, and says so', async () => {
    const port = await freePort();
    const server = createServer((socket) => socket.on('error', () => undefined).end('220 mail\r\n'));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    const from = nodeRed.lines.all.length;
    const after = await deploy(...store('a', port));
    const status = await editor.until((told) =>
      told
        .slice(after)
        .find(({ topic, data }) => topic === 'status/get-a' && /^emulator port/.test(String(data.text))),
    );
    const moved = Number(/\d+$/.exec(String(status.data.text))?.[0]);
    assert.ok(moved > port);
    await nodeRed.lines.find(new RegExp(`emulator on port ${moved}, because another program`), from);
    const { body } = await editor.call('GET', 'statestore/stores');
    const [listed] = body as unknown as [{ address: string; movedTo: number }];
    assert.deepEqual([listed.movedTo, listed.address], [moved, `localhost:${moved}`]);
    const tested = await editor.call('POST', 'statestore/test', {
      id: 'a',
      settings: { place: 'emulator', source: 'settings', host: 'localhost', port },
    });
    assert.equal(tested.body.movedTo, moved);
    server.close();
  });

  it('does not start one on another port while the emulator node on its port is red', async () => {
    const port = await freePort();
    const server = createServer((socket) => socket.on('error', () => undefined).end('220 mail\r\n'));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    const from = nodeRed.lines.all.length;
    const after = await deploy(emulatorNode(port, { rules: RULES }), ...store('a', port));
    await shows('emulator', `port ${port} in use`, after);
    await shows('get-a', 'no response', after);
    await nodeRed.lines.find(new RegExp(`The emulator node on port ${port} does not run`), from);
    server.close();
    const again = await deploy(emulatorNode(port, { rules: RULES }), ...store('a', port));
    await shows('get-a', 'login failed', again);
  });

  it('is tested before there is one, and nothing is left behind', async () => {
    const port = await freePort();
    const settings = { place: 'emulator', source: 'settings', host: 'localhost', port: String(port) };
    const { body } = await editor.call('POST', 'statestore/test', { id: 'new', settings });
    assert.deepEqual((body.results as object[]).at(-1), { step: 'store', ok: true });
    assert.ok(await portIsFree(port));
  });

  it('is only started on this computer, without TLS and login', async () => {
    const port = await freePort();
    const after = await deploy(
      ...store('a', port, { place: 'other' }),
      ...store('b', port, { login: 'token', tokenFile: '/etc/hostname' }),
    );
    await shows('get-a', 'connection refused', after);
    await shows('get-b', 'connection refused', after);
    assert.ok(await portIsFree(port));
  });

  describe('beside a Mosquitto', () => {
    let mosquitto: Mosquitto;

    before(async function () {
      requireProgram(this, 'mosquitto');
      mosquitto = await startMosquitto();
    });
    after(() => mosquitto?.stop());

    it('on its port, the Quickstart works, on another port', async () => {
      const after = nodeRed.lines.all.length;
      await nodeRed.deploy(loadExample('01 Quickstart', mosquitto.port));
      await nodeRed.lines.find(/Successfully deleted key demo\/key/, after);
      await nodeRed.lines.find(/emulator on port \d+, because another program/, after);
    });

    it('that is said to be a store, is never green, and says what to do', async () => {
      const from = nodeRed.lines.all.length;
      const after = await deploy(...store('a', mosquitto.port, { place: 'other' }));
      await shows('get-a', 'no state store', after);
      await nodeRed.lines.find(/does not have a state store\. Check that host and port/, from);
      const greens = editor.told
        .slice(after)
        .filter(({ topic, data }) => topic === 'status/get-a' && data.fill === 'green');
      assert.deepEqual(greens, []);
    });
  });
});
