import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StateStoreClient } from '../../src/index';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { Lines, NodeRed, ROOT } from '../support/node-red';
import { freePort } from '../support/ports';

/** Rules that let a client connect, and forget the keys. */
const GRANT_NOTHING = `spec:
  authorizationPolicies:
    rules:
      - principals: {}
        brokerResources: [{ method: Connect }, { method: Subscribe, topics: ['#'] }]
`;

describe('The command statestore-emulator', () => {
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, [join(ROOT, 'dist', 'src', 'emulator', 'cli.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, lines: new Lines(child), exited: once(child, 'close') };
  };

  it('serves the state store until Ctrl-C, on loopback', async () => {
    const { child, lines, exited } = run('--port', '0');
    const line = await lines.find(/listening on 127\.0\.0\.1:\d+ \(Ctrl-C to stop\)$/);
    const store = new StateStoreClient({ host: '127.0.0.1', port: Number(/:(\d+) /.exec(line)?.[1]) });
    assert.equal((await store.set('k', 'v')).stored, true);
    await store.close();
    child.kill('SIGINT');
    assert.deepEqual(await exited, [0, null]);
  });

  it('serves over TLS, and executes repeats, with these options', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'emulator-'));
    const authority = makeAuthority('the authority');
    const paths = writeCertificate(directory, 'emulator', makeCertificate('emulator', authority));
    const ca = writeCertificate(directory, 'authority', authority).cert;
    const files = ['--cert', paths.cert, '--key', paths.key, '--ca', ca];
    const { child, lines } = run('--port', '0', ...files, '--execute-repeats');
    const line = await lines.find(/listening on 127\.0\.0\.1:\d+ with TLS/);
    const tls = { caFile: ca, certFile: paths.cert, keyFile: paths.key };
    const store = new StateStoreClient({ host: '127.0.0.1', port: Number(/:(\d+) /.exec(line)?.[1]), tls });
    assert.equal((await store.set('k', 'v')).stored, true);
    await store.close();
    child.kill();
    rmSync(directory, { recursive: true });
  });

  it('takes the largest packets of a profile, and lists no keys if it is an older broker', async () => {
    const { child, lines, exited } = run('--port', '0', '--profile', 'low', '--no-scan');
    const line = await lines.find(/listening on 127\.0\.0\.1:\d+/);
    const store = new StateStoreClient({ host: '127.0.0.1', port: Number(/:(\d+) /.exec(line)?.[1]) });
    assert.equal((await store.set('k', Buffer.alloc(2 ** 23))).stored, true);
    await assert.rejects(store.set('k', Buffer.alloc(2 ** 24)), { code: 'BAD_ARGUMENT' });
    await assert.rejects(store.keys('*').next(), { code: 'NOT_SUPPORTED' });
    await store.close();
    child.kill();
    await exited;
  });

  it('loads keys from a file, and names the place of a fault in it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'emulator-'));
    const file = join(directory, 'statestore.json');
    writeFileSync(file, '[{"factoryId":"factoryA"}]');
    const { child, lines, exited } = run('--port', '0', '--load', file);
    const line = await lines.find(/listening on 127\.0\.0\.1:\d+/);
    const store = new StateStoreClient({ host: '127.0.0.1', port: Number(/:(\d+) /.exec(line)?.[1]) });
    const got = await store.get('factoryId');
    assert.equal(got.found && got.value.toString(), 'factoryA');
    await store.close();
    child.kill();
    await exited;
    writeFileSync(file, '[{"factoryId":"factoryA"}, 7]');
    const wrong = run('--load', file);
    await wrong.lines.find(/--load .*statestore\.json: item 2 must be an object/);
    assert.deepEqual(await wrong.exited, [2, null]);
    rmSync(directory, { recursive: true });
  });

  it('warns of rules that grant access to no key, and runs', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'emulator-'));
    const file = join(directory, 'rules.yaml');
    writeFileSync(file, GRANT_NOTHING);
    const { child, lines, exited } = run('--port', '0', '--rules', file);
    await lines.find(/the rules grant access to no key, so every request is refused/);
    child.kill();
    await exited;
    rmSync(directory, { recursive: true });
  });

  it('explains itself', async () => {
    const { lines, exited } = run('--help');
    assert.deepEqual(await exited, [0, null]);
    assert.match(lines.all[0] as string, /^Usage: statestore-emulator/);
    const version = run('--version');
    await version.exited;
    assert.match(version.lines.all[0] as string, /^\d+\.\d+\.\d+$/);
  });

  for (const args of [
    ['--port', 'x'],
    ['--port', '65536'],
    ['--port'],
    ['--fly'],
    ['--profile', 'huge'],
    ['extra'],
    ['--cert', 'x'],
    ['--cert', 'x', '--key', 'x'],
    ['--cert', __filename, '--key', __filename],
  ]) {
    it(`refuses ${args.join(' ')} with one line and code 2`, async () => {
      const { lines, exited } = run(...args);
      assert.deepEqual(await exited, [2, null]);
      assert.equal(lines.all.length, 1);
      assert.match(lines.all[0] as string, /^statestore-emulator: /);
    });
  }

  it('says that a port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { lines, exited } = run('--port', String(port));
    assert.deepEqual(await exited, [1, null]);
    assert.deepEqual(lines.all, [
      `statestore-emulator: port ${port} on 127.0.0.1 is in use by another program: choose another one with --port`,
    ]);
    server.close();
  });
});

describe('The emulator node in a real Node-RED', () => {
  let nodeRed: NodeRed;
  before(async () => {
    nodeRed = await NodeRed.start();
  });
  after(() => nodeRed.stop());

  const at = { z: 'tab', x: 100, y: 100 };
  const flow = (port: number, more: object[] = []) => [
    { id: 'tab', type: 'tab', label: 'test' },
    { id: 'emulator', type: 'statestore-emulator', port, host: '127.0.0.1', ...at },
    { id: 'state', type: 'status', scope: ['emulator'], wires: [['show']], ...at },
    {
      id: 'show',
      type: 'debug',
      complete: 'status',
      targetType: 'msg',
      console: true,
      tosidebar: false,
      ...at,
    },
    { id: 'catch', type: 'catch', scope: ['emulator'], wires: [['error']], ...at },
    {
      id: 'error',
      type: 'debug',
      complete: 'error.message',
      targetType: 'msg',
      console: true,
      tosidebar: false,
      ...at,
    },
    ...more,
  ];

  it('shows port, clients and keys; three nodes of one store are one client', async () => {
    const port = await freePort();
    const node = { store: 'store', keyType: 'str', outputs: 1, wires: [[]], ...at };
    const set = {
      ...node,
      type: 'statestore-set',
      valueType: 'str',
      value: 'v',
      expiry: '',
      expiryType: 'num',
      condition: '',
      fencingToken: '',
    };
    await nodeRed.deploy(
      flow(port, [
        { id: 'store', type: 'statestore-config', host: '127.0.0.1', port },
        {
          id: 'inject',
          type: 'inject',
          once: true,
          onceDelay: 0.1,
          props: [],
          wires: [['set1', 'set2', 'get']],
          ...at,
        },
        { ...set, id: 'set1', key: 'one' },
        { ...set, id: 'set2', key: 'two' },
        { ...node, id: 'get', type: 'statestore-get', key: 'one', property: 'payload', format: 'utf8' },
      ]),
    );
    await nodeRed.lines.find(/text: '1 client, 2 keys'/);
    assert.equal(
      nodeRed.lines.all.some((line) => line.includes(`${port}: 2 cl`)),
      false,
    );
  });

  it('with a certificate that is not there is a red status and an error that names the file', async () => {
    const after = nodeRed.lines.all.length;
    const [tab, emulator, ...rest] = flow(await freePort());
    await nodeRed.deploy([
      tab as object,
      { ...emulator, cert: '/no/such.crt', key: '/no/such.key' },
      ...rest,
    ]);
    await nodeRed.lines.find(/text: 'invalid TLS files'/, after);
    await nodeRed.lines.find(/\/no\/such\.crt: file not found/, after);
  });

  it('with rules that grant access to no key says so once, and not with others', async () => {
    const port = await freePort();
    const [tab, emulator, ...rest] = flow(port);
    const warnings = (after: number) =>
      nodeRed.lines.all.slice(after).filter((line) => line.includes('[warn] [statestore-emulator:emulator]'));
    let after = nodeRed.lines.all.length;
    const deploy = (rules: string) => nodeRed.deploy([tab as object, { ...emulator, rules }, ...rest]);
    await deploy(GRANT_NOTHING);
    await nodeRed.lines.find(/text: '0 clients, 0 keys'/, after);
    assert.equal(warnings(after).length, 1);
    assert.match(
      String(warnings(after)),
      /do not grant access to any key, so the emulator refuses every request\. Add a rule with stateStoreResources/,
    );
    after = nodeRed.lines.all.length;
    await deploy(
      `${GRANT_NOTHING}        stateStoreResources: [{ method: Read, keyType: Pattern, keys: ['*'] }]\n`,
    );
    await nodeRed.lines.find(/text: '0 clients, 0 keys'/, after);
    assert.deepEqual(warnings(after), []);
  });

  it('a taken port is a red status and an error, and Node-RED goes on', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(flow(port));
    await nodeRed.lines.find(new RegExp(`text: 'port ${port} in use'`), after);
    await nodeRed.lines.find(
      new RegExp(`another program uses port ${port} on 127\\.0\\.0\\.1\\. Choose another port`),
      after,
    );
    server.close();
    await once(server, 'close');
    await nodeRed.deploy(flow(port));
    await nodeRed.lines.find(/text: '0 clients, 0 keys'/, after);
  });

  describe('beside another one at the same address', () => {
    const RULES = (user: string) => `users:\n  - { username: ${user}, password: secret }
spec: { authorizationPolicies: { rules: [{ principals: { usernames: [${user}] },
  stateStoreResources: [{ method: ReadWrite, keyType: Pattern, keys: ["*"] }] }] } }\n`;
    const OTHERS = 'settings conflict';
    let port: number;
    let after: number;
    let client: StateStoreClient;

    /** Two emulator nodes by name with their rules, in this order; what each says goes to the log. */
    const deploy = async (rules: Record<string, string>, type = 'nodes') => {
      after = nodeRed.lines.all.length;
      const shows = { type: 'debug', targetType: 'msg', console: true, tosidebar: false, ...at };
      await nodeRed.deploy(
        [
          { id: 'tab', type: 'tab', label: 'test' },
          ...Object.entries(rules).map(([id, given]) => ({
            ...{ id, type: 'statestore-emulator', port, host: '127.0.0.1', rules: given, ...at },
          })),
          ...['one', 'two'].flatMap((id) => [
            { id: `${id}-state`, type: 'status', scope: [id], wires: [[`${id}-says`]], ...at },
            { id: `${id}-says`, complete: 'status.text', ...shows },
            { id: `${id}-catch`, type: 'catch', scope: [id], wires: [[`${id}-error`]], ...at },
            { id: `${id}-error`, complete: 'error.message', ...shows },
          ]),
        ],
        type,
      );
    };
    const says = (id: string, text: string) =>
      nodeRed.lines.find(new RegExp(`\\[debug:${id}-says\\] ${text}$`), after);
    const counts = (clients: number, keys: number) =>
      `${clients} client${clients === 1 ? '' : 's'}, ${keys} key${keys === 1 ? '' : 's'}`;
    const connect = (username: string) => {
      client = new StateStoreClient({ host: '127.0.0.1', port, username, password: 'secret' });
      return client.connect();
    };

    beforeEach(async () => {
      port = await freePort();
      await deploy({ one: RULES('anna'), two: RULES('bert') }, 'full');
      await says('two', OTHERS);
      await says('one', counts(0, 0));
      await connect('anna');
      await client.set('k', 'v');
    });
    afterEach(() => client?.close());

    it('with other rules says so and stays red, and the first one goes on', async () => {
      await nodeRed.lines.find(
        new RegExp(
          `\\[debug:two-error\\] .*another emulator node uses port ${port} with another address, other rules or other TLS files\\. Use the same`,
        ),
        after,
      );
      const bert = new StateStoreClient({ host: '127.0.0.1', port, username: 'bert', password: 'secret' });
      const refusal = new Promise((resolve) => {
        bert.on('state', (state) => state.kind === 'disconnected' && resolve(state.reason.reason));
      });
      bert.open();
      assert.equal(await refusal, 'badCredentials');
      await bert.close();
      assert.deepEqual((await client.get('k')).found, true);
      await deploy({ one: RULES('anna'), two: RULES('carl') });
      await says('two', OTHERS);
      assert.equal(client.state.kind, 'connected');
    });

    it('with its rules corrected shares it, and the clients stay connected', async () => {
      await deploy({ one: RULES('anna'), two: RULES('anna') });
      await client.set('another', 'v');
      await says('two', counts(1, 2));
      assert.equal(client.state.kind, 'connected');
    });

    it('does not share with it where one has the rules themselves and the other the path of a file with them', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'rules-'));
      const file = join(directory, 'rules.yaml');
      writeFileSync(file, RULES('anna'));
      await deploy({ one: RULES('anna'), two: file });
      await says('two', OTHERS);
      rmSync(directory, { recursive: true });
    });

    it('runs when the first one is removed and it is deployed again', async () => {
      await client.close();
      await deploy({ two: RULES('carl') });
      await says('two', counts(0, 0));
      await connect('carl');
    });

    it('runs when the first one is removed, without being touched itself', async () => {
      await client.close();
      await deploy({ two: RULES('bert') });
      await says('two', counts(0, 0));
      await connect('bert');
    });

    it('shares the first one when that gets the same rules, and does not take its place before', async () => {
      await client.close();
      await deploy({ one: RULES('carl'), two: RULES('bert') });
      await says('one', counts(0, 1));
      await connect('carl');
      await client.close();
      await deploy({ one: RULES('bert'), two: RULES('bert') });
      await says('one', counts(0, 1));
      await says('two', counts(0, 1));
      await connect('bert');
    });

    it('stops for the node that is deployed first', async () => {
      await client.close();
      await deploy({ two: RULES('bert'), one: RULES('anna') }, 'full');
      await says('two', counts(0, 1));
      await says('one', OTHERS);
      await connect('bert');
    });
  });
});
