/** Variables of the environment, of flows and of subflows in the fields of nodes; stores in subflows, and stores that are not there. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Emulator } from '../../src/emulator/broker';
import { StateStoreClient } from '../../src/index';
import { Admin } from '../support/admin';
import { makeAuthority, makeCertificate, writeCertificate } from '../support/certificates';
import { NodeRed } from '../support/node-red';

/** `${NAME}`, as a person types it into a field. */
const variable = (name: string) => `$\{${name}}`;

const tab = (id: string, more: object = {}) => ({ id, type: 'tab', label: id, ...more });
const at = (z: string) => ({ z, x: 0, y: 0, name: '' });
const inject = (id: string, z: string, to: string) => ({
  ...{ ...at(z), id, type: 'inject', once: true, onceDelay: 0.1, repeat: '', wires: [[to]] },
  ...{
    props: [{ p: 'payload' }, { p: 'topic', vt: 'str' }],
    topic: 'line/1',
    payload: 'v',
    payloadType: 'str',
  },
});
const set = (id: string, z: string, store: string, key: string, more: object = {}) => ({
  ...{ ...at(z), id, type: 'statestore-set', store, key, keyType: 'str', outputs: 1, wires: [[]] },
  ...{ value: 'payload', valueType: 'msg', expiry: '', expiryType: 'num', expiryUnit: 's', condition: '' },
  ...{ fencingToken: '', fencingTokenType: 'msg', ...more },
});
const observe = (id: string, z: string, store: string, keys: string) => ({
  ...{ ...at(z), id, type: 'statestore-observe', store, keys, mode: 'fixed', format: 'auto-detect' },
  ...{ current: true, onlyChanges: false, wires: [[]] },
});
const leader = (id: string, z: string, store: string, role: string | number) => ({
  ...{
    ...at(z),
    id,
    type: 'statestore-leader',
    store,
    role,
    lease: '10',
    candidate: '',
    outputs: 1,
    wires: [[]],
  },
});
const subflow = (id: string, env: object[]) => ({ id, type: 'subflow', name: id, in: [], out: [], env });
const text = (name: string, value: string) => ({ name, value, type: 'str' });

describe('The fields of nodes in a real Node-RED', () => {
  let directory: string;
  let ca: string;
  let emulator: Emulator;
  let secure: Emulator;
  let raw: StateStoreClient;
  let nodeRed: NodeRed;
  let admin: Admin;
  let port: number;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'variables-'));
    const authority = makeAuthority('Test authority');
    ({ cert: ca } = writeCertificate(directory, 'ca', authority));
    const server = writeCertificate(directory, 'server', makeCertificate('localhost', authority));
    emulator = await Emulator.start({ port: 0 });
    secure = await Emulator.start({
      port: 0,
      tls: { cert: readFileSync(server.cert), key: readFileSync(server.key) },
    });
    ({ port } = emulator);
    raw = new StateStoreClient({ host: '127.0.0.1', port });
    await raw.connect();
    nodeRed = await NodeRed.start({
      env: {
        AIO_BROKER_HOSTNAME: '127.0.0.1',
        AIO_BROKER_TCP_PORT: String(port),
        AIO_MQTT_USE_TLS: 'false',
        AIO_MQTT_CLIENT_ID: 'node-red-0',
        PLANT: 'north',
      },
    });
    admin = Admin.anonymous(nodeRed);
  });
  after(async () => {
    await nodeRed?.stop();
    await raw?.close();
    await emulator?.close();
    await secure?.close();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  const store = (id: string, more: object = {}) => ({
    ...{ id, type: 'statestore-config', name: '', place: 'other', source: 'settings' },
    ...{ host: '127.0.0.1', port, tls: '', login: '', ...more },
  });
  /** Resolves with the value when another client has set the key. */
  const value = async (key: string): Promise<string> => {
    for (;;) {
      const got = await raw.get(key);
      if (got.found) return got.value.toString();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const deploy = async (flows: object[]): Promise<number> => {
    const after = nodeRed.lines.all.length;
    await nodeRed.deploy(flows);
    return after;
  };

  const tls = (id: string, name: string, z?: string) => ({
    ...{ id, type: 'tls-config', name: '', ca: variable(name), cert: '', key: '', ...(z && { z }) },
    ...{ certname: '', keyname: '', caname: '', servername: 'localhost', verifyservercert: true },
  });
  const secured = (id: string, tlsConfig: string, z?: string) =>
    store(id, { port: secure.port, tls: 'config', tlsConfig, ...(z && { z }) });

  it('take variables of all flows, of a tab and of a subflow in a tls-config', async () => {
    const after = await deploy([
      { id: 'global', type: 'global-config', env: [text('SITE_CA', ca)] },
      tab('f', { env: [text('TAB_CA', ca)] }),
      ...[tls('t1', 'SITE_CA'), secured('s1', 't1'), set('n1', 'f', 's1', 'k')],
      ...[tls('t2', 'TAB_CA', 'f'), secured('s2', 't2', 'f'), set('n2', 'f', 's2', 'k')],
      subflow('sf', [text('INNER_CA', '')]),
      ...[tls('t3', 'INNER_CA', 'sf'), secured('s3', 't3', 'sf'), set('n3', 'sf', 's3', 'k')],
      { ...at('f'), id: 'i3', type: 'subflow:sf', env: [text('INNER_CA', ca)], wires: [] },
    ]);
    for (const id of ['s1', 's2', 'i3-s3'])
      await nodeRed.lines.find(new RegExp(`\\[statestore-config:${id}\\] Connected`), after);
  });

  it('of a tls-config in a subflow name files that are read again for each connection', async () => {
    const file = join(directory, 'renewed.crt');
    /** A broker whose certificate is of a new authority, which is in the file from now on. */
    const renewed = (port: number) => {
      const authority = makeAuthority('Renewed authority');
      copyFileSync(writeCertificate(directory, 'renewal', authority).cert, file);
      return Emulator.start({ port, tls: makeCertificate('localhost', authority) });
    };
    let broker = await renewed(0);
    try {
      const { port } = broker;
      const connected = /\[statestore-config:i-s\] Connected/;
      let after = await deploy([
        tab('f'),
        subflow('sf', [text('INNER_CA', '')]),
        ...[tls('t', 'INNER_CA', 'sf'), { ...secured('s', 't', 'sf'), port }, set('n', 'sf', 's', 'k')],
        { ...at('f'), id: 'i', type: 'subflow:sf', env: [text('INNER_CA', file)], wires: [] },
      ]);
      await nodeRed.lines.find(connected, after);
      after = nodeRed.lines.all.length;
      await broker.close();
      // A connection that comes back sooner is not logged.
      await nodeRed.lines.find(/\[warn\] \[statestore-config:i-s\]/, after);
      broker = await renewed(port);
      await nodeRed.lines.find(connected, after);
    } finally {
      await broker.close();
    }
  });

  it('let two stores of the environment log in with one client ID set, each with its own', async () => {
    const environment = (id: string) =>
      store(id, { source: 'environment', place: 'environment', name: `the ${id}` });
    const after = await deploy([
      tab('f'),
      ...[environment('first'), set('a', 'f', 'first', 'env/a'), inject('ia', 'f', 'a')],
      ...[environment('second'), set('b', 'f', 'second', 'env/b'), inject('ib', 'f', 'b')],
    ]);
    assert.equal(await value('env/a'), 'v');
    assert.equal(await value('env/b'), 'v');
    const line = await nodeRed.lines.find(/client ID node-red-0 is used by the store/, after);
    assert.match(line, /\[statestore-config:the second\].* store the first .*node-red-0-second/);
    assert.ok(!nodeRed.lines.all.slice(after).some((one) => /another client|taken over/i.test(one)));
  });

  it('take variables as a part of a key, of a prefix, of a lock and of a role', async () => {
    await deploy([
      tab('f', { env: [text('LINE', 'line1')] }),
      store('s', { keyPrefix: `plant/${variable('PLANT')}/`, z: 'f' }),
      ...[set('a', 'f', 's', `${variable('LINE')}/speed`), inject('ia', 'f', 'a')],
      ...[set('b', 'f', 's', `${variable('LINE')}/{{topic}}`), inject('ib', 'f', 'b')],
      ...[leader('l', 'f', 's', `role/${variable('LINE')}`), leader('m', 'f', 's', 'template/{{env.LINE}}')],
    ]);
    assert.equal(await value('plant/north/line1/speed'), 'v');
    // Not line1/line&#x2F;1: a key is not HTML.
    assert.equal(await value('plant/north/line1/line/1'), 'v');
    await value('plant/north/role/line1');
    await value('plant/north/template/line1');
  });

  it('fail with a variable that is not set, or a role that depends on a message, and say so', async () => {
    const after = await deploy([
      tab('f'),
      store('s'),
      ...[set('a', 'f', 's', `machine/${variable('NO_SUCH')}/x`), inject('ia', 'f', 'a')],
      leader('l', 'f', 's', 'role/{{payload.line}}'),
      observe('o', 'f', 's', `good\n${variable('NO_SUCH')}/x`),
    ]);
    await nodeRed.lines.find(/\[statestore-set:a\].*environment variable NO_SUCH is not set/, after);
    const role = await nodeRed.lines.find(/\[statestore-leader:l\]/, after);
    assert.match(role, /The role of this node contains \{\{payload\.line\}\}.*\{\{env\.NAME\}\}/);
    await nodeRed.lines.find(
      /\[statestore-observe:o\].*The key of this node.*NO_SUCH, which is not set/,
      after,
    );
    assert.equal((await raw.get(`machine/${variable('NO_SUCH')}/x`)).found, false);
  });

  it('observe and take roles for each instance of a subflow', async () => {
    await raw.set('line1/setpoint', '20');
    const after = await deploy([
      tab('f'),
      store('s'),
      { ...subflow('sf', [text('LINE', '')]), out: [{ x: 1, y: 1, wires: [{ id: 'o', port: 0 }] }] },
      ...[leader('l', 'sf', 's', 'lead/{{env.LINE}}'), observe('o', 'sf', 's', '{{env.LINE}}/setpoint')],
      ...['line1', 'line2'].map((name) => ({
        ...{ ...at('f'), id: `i-${name}`, type: 'subflow:sf', env: [text('LINE', name)], wires: [['d']] },
      })),
      {
        ...at('f'),
        id: 'd',
        type: 'debug',
        console: true,
        tosidebar: false,
        complete: 'topic',
        targetType: 'msg',
        wires: [],
      },
    ]);
    await value('lead/line1');
    await value('lead/line2');
    await nodeRed.lines.find(/line1\/setpoint/, after);
  });

  for (const [what, host] of [
    ['a URL', () => `mqtt://localhost:${port}`],
    ['a host with its port', () => `127.0.0.1:${port}`],
  ] as const) {
    it(`take ${what} for the host`, async () => {
      const after = await deploy([tab('f'), store('s', { host: host(), port: 1 }), set('a', 'f', 's', 'k')]);
      await nodeRed.lines.find(/\[statestore-config:s\] Connected/, after);
    });
  }

  it('switch TLS on for mqtts, and keep a password in a URL out of the log', async () => {
    const after = await deploy([
      tab('f'),
      ...[store('s', { host: `mqtts://localhost:${secure.port}` }), set('a', 'f', 's', 'k')],
      ...[store('t', { host: 'mqtt://line1:topsecret@broker' }), observe('o', 'f', 't', 'k')],
    ]);
    const line = await nodeRed.lines.find(/\[statestore-config:s\]/, after);
    assert.match(line, /certificate/);
    const refused = await nodeRed.lines.find(/\[statestore-observe:o\]/, after);
    assert.match(refused, /The host of this store contains a username or password/);
    const { body } = await admin.call('GET', 'statestore/stores');
    assert.ok(![...nodeRed.lines.all, JSON.stringify(body)].some((one) => one.includes('topsecret')));
  });

  it('log why a store is not there, once for each node', async () => {
    const after = await deploy([
      tab('f'),
      store('off', { d: true, name: 'boiler' }),
      ...[observe('o1', 'f', 'off', 'k'), observe('o2', 'f', 'gone', 'k'), observe('o3', 'f', '', 'k')],
      ...[leader('l1', 'f', 'off', 'r'), leader('l2', 'f', 'gone', 'r'), set('a', 'f', 'off', 'k')],
      inject('ia', 'f', 'a'),
    ]);
    for (const [node, words] of [
      ['statestore-observe:o1', 'The store boiler of this node is disabled'],
      ['statestore-observe:o2', 'The store of this node was deleted'],
      ['statestore-observe:o3', 'This node has no store'],
      ['statestore-leader:l1', 'The store boiler of this node is disabled'],
      ['statestore-leader:l2', 'The store of this node was deleted'],
    ] as const) {
      await nodeRed.lines.find(new RegExp(`\\[${node}\\] ${words}`), after);
      assert.equal(nodeRed.lines.all.slice(after).filter((one) => one.includes(`[${node}]`)).length, 1);
    }
    // At the deploy, and for its message.
    const of = () => nodeRed.lines.all.slice(after).filter((one) => one.includes('[statestore-set:a]'));
    while (of().length < 2) await nodeRed.lines.find(/\[statestore-set:a\]/, nodeRed.lines.all.length);
    assert.ok(of().every((one) => one.includes('The store boiler of this node is disabled')));
  });

  it('show in the sidebar the stores that run, of each instance of a subflow', async () => {
    await deploy([
      tab('f'),
      subflow('sf', [{ name: 'P', type: 'num', value: '1' }]),
      store('inner', { z: 'sf', port: variable('P'), name: 'line store' }),
      set('a', 'sf', 'inner', `${variable('NR_SUBFLOW_NAME')}/speed`),
      {
        ...{ ...at('f'), id: 'i1', type: 'subflow:sf', name: 'line 1', wires: [] },
        env: [{ name: 'P', type: 'num', value: String(port) }],
      },
      store('off', { d: true }),
    ]);
    const { body } = await admin.call('GET', 'statestore/stores');
    assert.deepEqual(body, [{ id: 'i1-inner', name: 'line store (line 1)', address: `127.0.0.1:${port}` }]);
    const named = await admin.call('GET', 'statestore/stores/i1-inner/named-keys');
    const [first] = named.body as unknown as { key: string; nodes: unknown[] }[];
    assert.equal(Buffer.from(first?.key ?? '', 'base64').toString(), 'line 1/speed');
    assert.deepEqual(first?.nodes, [{ id: 'a', type: 'statestore-set', name: '' }]);
    const tested = await admin.call('POST', 'statestore/stores/i1-inner/test', {});
    assert.equal(tested.status, 200, JSON.stringify(tested.body));
    assert.ok((tested.body.results as { ok: boolean }[]).every(({ ok }) => ok));
    const dialog = await admin.call('POST', 'statestore/test', {
      id: 'inner',
      settings: { place: 'other', host: '127.0.0.1', port: variable('P') },
    });
    assert.ok(
      (dialog.body.results as { ok: boolean }[]).every(({ ok }) => ok),
      JSON.stringify(dialog.body),
    );
  });

  it('show in the sidebar the keys of all nodes, if one of them has a number for text', async () => {
    await deploy([tab('f'), store('s'), set('a', 'f', 's', 'good'), leader('l', 'f', 's', 5)]);
    const { status, body } = await admin.call('GET', 'statestore/stores/s/named-keys');
    assert.equal(status, 200);
    const keys = (body as unknown as { key: string }[]).map(({ key }) =>
      Buffer.from(key, 'base64').toString(),
    );
    assert.deepEqual(keys, ['good', '5']);
  });
});
